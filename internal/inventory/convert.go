package inventory

// ConvertHold turns a hold into an allocation, before its deadline.
type ConvertHold struct {
	ReservationID string
	Strategy      *Strategy
	Reference     *string
}

// Validate implements Command.
func (c ConvertHold) Validate(Limits) []*Error { return c.ending().validate() }

// Footprint implements Command.
func (c ConvertHold) Footprint(string) Footprint { return c.ending().footprint() }

func (c ConvertHold) decide(b *batch, request Request) Outcome { return c.ending().decide(b, request) }

func (c ConvertHold) ending() ending {
	return ending{c.ReservationID, c.Reference, Held, Allocated, ActionConverted, "converted"}
}
