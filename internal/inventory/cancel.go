package inventory

// CancelAllocation gives an allocation's units back: allocated falls.
type CancelAllocation struct {
	ReservationID string
	Reference     *string
}

// Validate implements Command.
func (c CancelAllocation) Validate(Limits) []*Error { return c.ending().validate() }

// Footprint implements Command.
func (c CancelAllocation) Footprint(string) Footprint { return c.ending().footprint() }

func (c CancelAllocation) decide(b *batch, request Request) Outcome {
	return c.ending().decide(b, request)
}

func (c CancelAllocation) ending() ending {
	return ending{c.ReservationID, c.Reference, Allocated, Cancelled, ActionCancelled, "cancelled"}
}
