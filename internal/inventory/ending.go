package inventory

// ending is what ends a hold by its holder's wish: a conversion and a release
// differ only in where they lead.
type ending struct {
	reservationID string
	reference     *string
	to            Status
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
	case r.endedAs() == e.to:
		return Outcome{Reservation: &r, Replayed: !b.state.Committed[request.ID]}
	case r.Status != Held:
		return refused(invalidState(&r, e.wish))
	}
	r = b.move(r, e.to, Entry{
		Action: e.action, Actor: request.Principal, CommandID: request.ID, Reference: text(e.reference),
	})
	return Outcome{Reservation: &r}
}
