package inventory

import "fmt"

// AdjustStock changes a level's total by a delta. A level that isn't there is
// created.
type AdjustStock struct {
	ClientToken string
	SKU         string
	// Location is DefaultLocation where it is nil.
	Location  *string
	Delta     int64
	Reason    Reason
	Reference *string
	// ExpectedVersion of 0 says that there must be no such level yet.
	ExpectedVersion *int64
}

// Validate implements Command.
func (c AdjustStock) Validate(Limits) []*Error {
	var v violations
	v.clientToken(c.ClientToken)
	v.code(c.SKU, "a SKU", "input", "sku")
	v.location(c.Location, "input", "location")
	if c.Delta == 0 {
		v.add("a change of 0 changes nothing", "input", "delta")
	}
	v.counter(c.Delta, -CounterMax, "input", "delta")
	v.text(c.Reference, "reference")
	if c.ExpectedVersion != nil {
		v.counter(*c.ExpectedVersion, 0, "input", "expectedVersion")
	}
	return v
}

// Footprint implements Command.
func (c AdjustStock) Footprint(principal string) Footprint {
	return Footprint{
		Levels:    []LevelKey{c.key()},
		Locations: []string{c.key().Location},
		TokenKey:  TokenKey(principal, c.ClientToken),
	}
}

func (c AdjustStock) decide(b *batch, request Request) Outcome {
	tokenKey, fields := TokenKey(request.Principal, c.ClientToken), c.fingerprint()
	if token, used := b.token(tokenKey); used {
		if differing := token.differing(ActionAdjusted, fields); len(differing) > 0 {
			return refused(idempotencyConflict(differing))
		}
		level, _ := b.level(c.key())
		return Outcome{Level: &level, Replayed: token.CommandID != request.ID}
	}
	if _, ok := b.sku(c.SKU); !ok {
		return refused(unknownSKU(c.SKU, "input", "sku"))
	}
	if location := c.key().Location; !b.hasLocation(location) {
		return refused(unknownLocation(location, "input", "location"))
	}
	level, _ := b.level(c.key())
	if problem := c.refusal(level); problem != nil {
		return refused(problem)
	}

	b.useToken(request, tokenKey, ActionAdjusted, fields)
	level = b.step(c.key(), Entry{
		Action: ActionAdjusted, TotalDelta: c.Delta, Actor: request.Principal, Reason: c.Reason,
		Reference: text(c.Reference), CommandID: request.ID, TokenKey: tokenKey,
	})
	return Outcome{Level: &level}
}

func (c AdjustStock) refusal(level StockLevel) *Error {
	switch {
	case c.ExpectedVersion != nil && *c.ExpectedVersion != level.Version:
		return &Error{
			Code:     VersionConflict,
			Message:  fmt.Sprintf("the stock level has version %d, not %d", level.Version, *c.ExpectedVersion),
			Field:    []string{"input", "expectedVersion"},
			Expected: *c.ExpectedVersion,
			Actual:   level.Version,
		}
	case c.Delta < 0 && level.Available()+c.Delta < 0:
		return insufficient(c.SKU, c.key().Location, -c.Delta, max(0, level.Available()), "input", "delta")
	case level.Total+c.Delta > CounterMax:
		return invalid(fmt.Sprintf("the total would be more than %d", CounterMax), "input", "delta")
	}
	return nil
}

func (c AdjustStock) fingerprint() Fingerprint {
	f := Fingerprint{}
	f.add("sku", c.SKU)
	addGiven(f, "location", c.Location)
	f.add("delta", c.Delta)
	f.add("reason", c.Reason)
	addGiven(f, "reference", c.Reference)
	addGiven(f, "expectedVersion", c.ExpectedVersion)
	return f
}

func (c AdjustStock) key() LevelKey { return LevelKey{c.SKU, locationOr(c.Location)} }

func locationOr(location *string) string {
	if location == nil {
		return DefaultLocation
	}
	return *location
}
