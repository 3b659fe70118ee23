package inventory

// ReleaseHold gives a hold's units back.
type ReleaseHold struct {
	ReservationID string
	Strategy      *Strategy
	Reference     *string
}

// Validate implements Command.
func (c ReleaseHold) Validate(Limits) []*Error { return c.ending().validate() }

// Footprint implements Command.
func (c ReleaseHold) Footprint(string) Footprint { return c.ending().footprint() }

func (c ReleaseHold) decide(b *batch, request Request) Outcome { return c.ending().decide(b, request) }

func (c ReleaseHold) ending() ending {
	return ending{c.ReservationID, c.Reference, Held, Released, ActionReleased, "released"}
}
