package inventory

import (
	"bytes"
	"encoding/json"
)

// ImportSKU makes true what a row of a file says: that there is a SKU with
// these particulars and, at one location, this total. What is so already is
// left alone, so that importing a file again changes nothing.
type ImportSKU struct {
	// ClientToken is that of the change of stock, if the row makes one.
	ClientToken string
	SKU         string
	// Name stays as it is where it is nil; a SKU that is new must have one.
	Name *string
	// Metadata stays as it is where it is nil. It is told apart by its bytes.
	Metadata json.RawMessage
	// Location is DefaultLocation where it is nil.
	Location *string
	// Total is nil where the row says nothing of stock.
	Total *int64
}

// ImportEffect is what a row of an import did.
type ImportEffect string

// The effects.
const (
	ImportCreated   ImportEffect = "CREATED"
	ImportChanged   ImportEffect = "CHANGED"
	ImportUnchanged ImportEffect = "UNCHANGED"
)

// importReason is that of a total which an import sets.
const importReason Reason = "CORRECTION"

// Validate implements Command.
func (c ImportSKU) Validate(Limits) []*Error {
	var v violations
	v.clientToken(c.ClientToken)
	v.code(c.SKU, "a SKU", "input", "sku")
	v.text(c.Name, "name")
	v.location(c.Location, "input", "location")
	if c.Total != nil {
		v.counter(*c.Total, 0, "input", "total")
	}
	return v
}

// Footprint implements Command.
func (c ImportSKU) Footprint(principal string) Footprint {
	f := Footprint{Particulars: []string{c.SKU}, Locations: []string{locationOr(c.Location)}}
	if c.Total != nil {
		f.Levels = []LevelKey{c.key()}
		f.TokenKey = TokenKey(principal, c.ClientToken)
	}
	return f
}

func (c ImportSKU) key() LevelKey { return LevelKey{c.SKU, locationOr(c.Location)} }

func (c ImportSKU) decide(b *batch, request Request) Outcome {
	known, exists := b.sku(c.SKU)
	switch {
	case exists && known.CommandID == request.ID:
		return Outcome{SKU: &known, Import: ImportCreated}
	case !b.hasLocation(c.key().Location):
		return refused(unknownLocation(c.key().Location, "input", "location"))
	case !exists:
		return c.create(b, request)
	}

	outcome := Outcome{Import: ImportUnchanged}
	if c.Total != nil && !c.stocked(b, request.Principal) {
		outcome = c.setStock().decide(b, request)
		if len(outcome.Refused) > 0 {
			return outcome
		}
		outcome.Import = ImportChanged
	}
	sku := c.over(known)
	if sku.Name != known.Name || !bytes.Equal(sku.Metadata, known.Metadata) {
		b.skus[c.SKU] = sku
		outcome.Import = ImportChanged
	}
	outcome.SKU = &sku
	return outcome
}

// stocked says that the level has the total, and that no first try of this
// request is to be answered as done.
func (c ImportSKU) stocked(b *batch, principal string) bool {
	_, used := b.token(TokenKey(principal, c.ClientToken))
	level, exists := b.level(c.key())
	return !used && exists && level.Total == *c.Total
}

func (c ImportSKU) setStock() SetStock {
	return SetStock{
		ClientToken: c.ClientToken, SKU: c.SKU, Location: c.Location, Total: *c.Total, Reason: importReason,
	}
}

// over is the SKU with the row's particulars.
func (c ImportSKU) over(known SKU) SKU {
	if c.Name != nil {
		known.Name = *c.Name
	}
	if c.Metadata != nil {
		known.Metadata = c.Metadata
	}
	return known
}

func (c ImportSKU) create(b *batch, request Request) Outcome {
	if c.Name == nil {
		return refused(invalid("a SKU that is new needs a name", "input", "name"))
	}
	create := CreateSKU{SKU: c.SKU, Name: *c.Name, Metadata: c.Metadata, InitialStock: c.Total}
	if c.Total != nil {
		create.Location = c.Location
	}
	outcome := create.decide(b, request)
	outcome.Import = ImportCreated
	return outcome
}
