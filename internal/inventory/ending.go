package inventory

// ending is a reservation's way out of a state by somebody's wish: the four
// differ only in where they lead from and to.
type ending struct {
	reservationID string
	reference     *string
	from, to      Status
	action        Action
	// wish completes the sentence "a reservation that is RELEASED can't be …".
	wish string
}

func (e ending) validate() []*Error {
	var v violations
	v.reservationID(e.reservationID)
	v.text(e.reference, "reference")
	return v
}

func (e ending) footprint() Footprint {
	return Footprint{Reservations: []string{canonicalID(e.reservationID)}}
}

func (e ending) decide(b *batch, request Request) Outcome {
	r, ok := b.reservation(canonicalID(e.reservationID), request.Principal)
	if !ok {
		return refused(notFound(e.reservationID, "reservationId"))
	}
	r = b.expireIfOverdue(r)
	switch {
	case e.won(r):
		return Outcome{Reservation: &r, Replayed: !b.state.Committed[request.ID]}
	case r.Status != e.from:
		return refused(invalidState(&r, e.wish))
	}
	r = b.move(r, e.to, Entry{
		Action: e.action, Actor: request.Principal, CommandID: request.ID, Reference: text(e.reference),
	})
	return Outcome{Reservation: &r}
}

// won says whether the reservation left the state this way before, whatever
// came after.
func (e ending) won(r Reservation) bool {
	if e.from == Held {
		return r.endedAs() == e.to
	}
	return r.Status == e.to
}
