package inventory

// ExpireHold ends a hold whose deadline has come. One that isn't due, or isn't
// held any more, is left as it is.
type ExpireHold struct {
	ReservationID string
}

// Validate implements Command.
func (c ExpireHold) Validate(Limits) []*Error { return nil }

// Footprint implements Command.
func (c ExpireHold) Footprint(string) Footprint {
	return Footprint{Reservations: []string{c.ReservationID}}
}

func (c ExpireHold) decide(b *batch, request Request) Outcome {
	r, ok := b.reservation(c.ReservationID, request.Principal)
	if !ok {
		return refused(notFound(c.ReservationID, "reservationId"))
	}
	r = b.expireIfOverdue(r)
	return Outcome{Reservation: &r}
}

// expireIfOverdue ends the hold if its deadline has come, so that whoever meets
// it sees what it has become. The entries bear the id of the request that made
// the hold: one that only meets it overdue, and is run again, must not take them
// for its own effect.
func (b *batch) expireIfOverdue(r Reservation) Reservation {
	if !r.Overdue(b.state.Now) {
		return r
	}
	return b.move(r, Expired, Entry{Action: ActionExpired, Actor: ActorSystem, CommandID: r.ID})
}
