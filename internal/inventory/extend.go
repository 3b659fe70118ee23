package inventory

import (
	"fmt"
	"time"
)

// ExtendHold moves a hold's deadline, never closer.
type ExtendHold struct {
	ReservationID string
	// TTLSeconds counts from the decision.
	TTLSeconds int32
}

// Validate implements Command.
func (c ExtendHold) Validate(limits Limits) []*Error {
	var v violations
	v.reservationID(c.ReservationID)
	return append(v, validateTTL(limits, &c.TTLSeconds)...)
}

// Footprint implements Command.
func (c ExtendHold) Footprint(string) Footprint {
	return Footprint{Reservations: []string{canonicalID(c.ReservationID)}}
}

func (c ExtendHold) decide(b *batch, request Request) Outcome {
	r, ok := b.reservation(canonicalID(c.ReservationID), request.Principal)
	if !ok {
		return refused(notFound(c.ReservationID, "reservationId"))
	}
	if b.state.Committed[request.ID] {
		return Outcome{Reservation: &r}
	}
	r = b.expireIfOverdue(r)
	if r.Status != Held {
		return refused(invalidState(&r, "extended"))
	}
	deadline := b.state.Now.Add(time.Duration(c.TTLSeconds) * time.Second)
	if deadline.After(r.CreatedAt.Add(b.limits.HoldTTLMax)) {
		return refused(invalid(fmt.Sprintf("a hold lasts at most %d seconds from when it was made", b.limits.HoldTTLMax/time.Second), "input", "ttlSeconds"))
	}
	if !deadline.After(*r.ExpiresAt) {
		return Outcome{Reservation: &r}
	}
	r.ExpiresAt = &deadline
	r.Revision++
	b.reservations[r.ID] = r
	b.record(Entry{Action: ActionExtended, ReservationID: r.ID, Actor: request.Principal, CommandID: request.ID})
	return Outcome{Reservation: &r}
}
