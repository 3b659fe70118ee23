package inventory

// SetStock changes a level's total to a number. A total that is the same as
// before is recorded even so, as a count that found what was expected.
type SetStock struct {
	ClientToken string
	SKU         string
	// Location is DefaultLocation where it is nil.
	Location  *string
	Total     int64
	Reason    Reason
	Reference *string
	// ExpectedVersion of 0 says that there must be no such level yet.
	ExpectedVersion *int64
}

// Validate implements Command.
func (c SetStock) Validate(Limits) []*Error {
	v := c.change().validate(c.Location)
	v.counter(c.Total, 0, "input", "total")
	return v
}

// Footprint implements Command.
func (c SetStock) Footprint(principal string) Footprint { return c.change().footprint(principal) }

func (c SetStock) decide(b *batch, request Request) Outcome {
	fields := c.change().fingerprint(c.Location)
	fields.add("total", c.Total)
	return c.change().decide(b, request, fields)
}

func (c SetStock) change() stockChange {
	return stockChange{
		c.ClientToken, LevelKey{c.SKU, locationOr(c.Location)}, c.Reason, c.Reference, c.ExpectedVersion,
		ActionSet, "total", func(level StockLevel) int64 { return c.Total - level.Total },
	}
}
