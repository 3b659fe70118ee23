package inventory

import "encoding/json"

// CreateSKU adds a SKU to the catalogue, with a first stock level if it is
// given stock or a location.
type CreateSKU struct {
	SKU          string
	Name         string
	InitialStock *int64
	Location     *string
	Metadata     json.RawMessage
}

// Validate implements Command.
func (c CreateSKU) Validate(Limits) []*Error {
	var v violations
	v.code(c.SKU, "a SKU", "input", "sku")
	v.text(&c.Name, "name")
	if c.InitialStock != nil {
		v.counter(*c.InitialStock, 0, "input", "initialStock")
	}
	v.location(c.Location, "input", "location")
	return v
}

// Footprint implements Command.
func (c CreateSKU) Footprint(string) Footprint {
	f := Footprint{SKUs: []string{c.SKU}}
	if c.Location != nil {
		f.Locations = []string{*c.Location}
	}
	return f
}

func (c CreateSKU) decide(b *batch, request Request) Outcome {
	sku := SKU{
		Code: c.SKU, Name: c.Name, Metadata: c.Metadata, CreatedAt: b.state.Now, CommandID: request.ID,
	}
	if known, exists := b.sku(c.SKU); exists {
		if known.CommandID == request.ID {
			sku.CreatedAt = known.CreatedAt
			return Outcome{SKU: &sku}
		}
		return refused(&Error{
			Code: AlreadyExists, Message: "there is a SKU " + c.SKU + " already", Field: []string{"input", "sku"},
		})
	}
	location := locationOr(c.Location)
	if !b.hasLocation(location) {
		return refused(unknownLocation(location, "input", "location"))
	}

	b.skus[c.SKU] = sku
	entry := Entry{Action: ActionCreated, SKU: c.SKU, Actor: request.Principal, CommandID: request.ID}
	if c.InitialStock == nil && c.Location == nil {
		b.record(entry)
		return Outcome{SKU: &sku}
	}
	if c.InitialStock != nil {
		entry.TotalDelta = *c.InitialStock
	}
	b.step(LevelKey{c.SKU, location}, entry)
	return Outcome{SKU: &sku}
}
