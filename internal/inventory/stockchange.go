package inventory

import "fmt"

// stockChange is what changes a level's total by hand: by a delta, or to a
// number. A level that isn't there is created.
type stockChange struct {
	clientToken     string
	key             LevelKey
	reason          Reason
	reference       *string
	expectedVersion *int64
	action          Action
	// amount is the input field that says how much.
	amount string
	// delta is the change that is wanted of a level.
	delta func(StockLevel) int64
}

func (c stockChange) validate(location *string) violations {
	var v violations
	v.clientToken(c.clientToken)
	v.code(c.key.SKU, "a SKU", "input", "sku")
	v.location(location, "input", "location")
	v.text(c.reference, "reference")
	if c.expectedVersion != nil {
		v.counter(*c.expectedVersion, 0, "input", "expectedVersion")
	}
	return v
}

func (c stockChange) footprint(principal string) Footprint {
	return Footprint{
		Levels:    []LevelKey{c.key},
		Locations: []string{c.key.Location},
		TokenKey:  TokenKey(principal, c.clientToken),
	}
}

// fingerprint is of the input as given, but for the amount.
func (c stockChange) fingerprint(location *string) Fingerprint {
	f := Fingerprint{}
	f.add("sku", c.key.SKU)
	addGiven(f, "location", location)
	f.add("reason", c.reason)
	addGiven(f, "reference", c.reference)
	addGiven(f, "expectedVersion", c.expectedVersion)
	return f
}

func (c stockChange) decide(b *batch, request Request, fields Fingerprint) Outcome {
	tokenKey := TokenKey(request.Principal, c.clientToken)
	if token, used := b.token(tokenKey); used {
		if differing := token.differing(c.action, fields); len(differing) > 0 {
			return refused(idempotencyConflict(differing))
		}
		level, _ := b.level(c.key)
		return Outcome{Level: &level, Replayed: token.CommandID != request.ID}
	}
	if _, ok := b.sku(c.key.SKU); !ok {
		return refused(unknownSKU(c.key.SKU, "input", "sku"))
	}
	if !b.hasLocation(c.key.Location) {
		return refused(unknownLocation(c.key.Location, "input", "location"))
	}
	level, _ := b.level(c.key)
	delta := c.delta(level)
	if problem := c.refusal(level, delta); problem != nil {
		return refused(problem)
	}

	b.useToken(request, tokenKey, c.action, fields)
	level = b.step(c.key, Entry{
		Action: c.action, TotalDelta: delta, Actor: request.Principal, Reason: c.reason,
		Reference: text(c.reference), CommandID: request.ID, TokenKey: tokenKey,
	})
	return Outcome{Level: &level}
}

func (c stockChange) refusal(level StockLevel, delta int64) *Error {
	switch {
	case c.expectedVersion != nil && *c.expectedVersion != level.Version:
		return &Error{
			Code:     VersionConflict,
			Message:  fmt.Sprintf("the stock level has version %d, not %d", level.Version, *c.expectedVersion),
			Field:    []string{"input", "expectedVersion"},
			Expected: *c.expectedVersion,
			Actual:   level.Version,
		}
	case delta < 0 && level.Available()+delta < 0:
		problem := insufficient(c.key.SKU, c.key.Location, -delta, max(0, level.Available()), "input", c.amount)
		if c.action == ActionSet {
			problem.Message = fmt.Sprintf("a total of %d is less than the %d that are reserved and allocated",
				level.Total+delta, level.Reserved+level.Allocated)
		}
		return problem
	case level.Total+delta > CounterMax:
		return invalid(fmt.Sprintf("the total would be more than %d", CounterMax), "input", c.amount)
	}
	return nil
}

func locationOr(location *string) string {
	if location == nil {
		return DefaultLocation
	}
	return *location
}
