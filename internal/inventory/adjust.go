package inventory

// AdjustStock changes a level's total by a delta.
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
	v := c.change().validate(c.Location)
	if c.Delta == 0 {
		v.add("a change of 0 changes nothing", "input", "delta")
	}
	v.counter(c.Delta, -CounterMax, "input", "delta")
	return v
}

// Footprint implements Command.
func (c AdjustStock) Footprint(principal string) Footprint { return c.change().footprint(principal) }

func (c AdjustStock) decide(b *batch, request Request) Outcome {
	fields := c.change().fingerprint(c.Location)
	fields.add("delta", c.Delta)
	return c.change().decide(b, request, fields)
}

func (c AdjustStock) change() stockChange {
	return stockChange{
		c.ClientToken, LevelKey{c.SKU, locationOr(c.Location)}, c.Reason, c.Reference, c.ExpectedVersion,
		ActionAdjusted, "delta", func(StockLevel) int64 { return c.Delta },
	}
}
