package inventory

// FulfillAllocation has an allocation's units leave: total and allocated fall.
type FulfillAllocation struct {
	ReservationID string
	Reference     *string
}

// Validate implements Command.
func (c FulfillAllocation) Validate(Limits) []*Error { return c.ending().validate() }

// Footprint implements Command.
func (c FulfillAllocation) Footprint(string) Footprint { return c.ending().footprint() }

func (c FulfillAllocation) decide(b *batch, request Request) Outcome {
	return c.ending().decide(b, request)
}

func (c FulfillAllocation) ending() ending {
	return ending{c.ReservationID, c.Reference, Allocated, Fulfilled, ActionFulfilled, "fulfilled"}
}
