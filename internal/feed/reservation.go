package feed

import (
	"context"
	"strings"

	"holdfast/internal/inventory"
)

// Reservation delivers the reservation at once, then again whenever it
// changes. The channel is closed once it is no longer held, or when ctx ends.
// The errors are *UnknownError and those of the stock.
func (f *Feed) Reservation(ctx context.Context, id string) (<-chan *inventory.Reservation, error) {
	audience := audienceOf(ctx)
	audience.Gather()
	in := f.reservations.listen(strings.ToLower(id))
	read := func(ctx context.Context) (*inventory.Reservation, error) {
		present, err := f.stock.ReservationByID(ctx, id)
		if err == nil && present == nil {
			err = &UnknownError{Field: []string{"id"}, Name: "reservation " + id}
		}
		return present, err
	}
	present, err := read(ctx)
	if err != nil {
		f.reservations.leave(in)
		return nil, err
	}

	out := make(chan *inventory.Reservation)
	go func() {
		defer close(out)
		defer f.reservations.leave(in)
		watch := reservationWatch{latest: present, owed: 1}
		watch.deliver(ctx, in, out, newPresence(audience, watch.owed, read))
	}()
	return out, nil
}

// reservationWatch is what the subscribers know, and whether they are owed it.
type reservationWatch struct {
	latest *inventory.Reservation
	// owed counts states to be delivered: the latest, or none.
	owed int
}

func (w *reservationWatch) deliver(ctx context.Context, in *inbox[inventory.Reservation], out chan<- *inventory.Reservation, presence *presence[*inventory.Reservation]) {
	for ctx.Err() == nil { // a select would deliver by chance what is ready when ctx has ended
		var ready chan<- *inventory.Reservation // nil, so never chosen, while nothing is owed
		if w.owed > 0 {
			ready = out
		}
		select {
		case ready <- w.latest:
			w.owed = 0
			presence.told(ctx, w.latest.ID)
			if w.latest.Status != inventory.Held {
				return
			}
		case <-in.ready:
			for _, reservation := range in.take() {
				w.update(&reservation)
			}
		case <-presence.joined():
			presence.readAgain(ctx)
		case present := <-presence.answers:
			if reservation := presence.of(present); reservation != nil {
				w.update(reservation)
			}
			presence.owes(w.owed)
		case <-ctx.Done():
			return
		}
	}
}

// update takes the reservation for the latest, unless what is known is newer.
func (w *reservationWatch) update(reservation *inventory.Reservation) {
	if reservation.Revision > w.latest.Revision {
		w.latest, w.owed = reservation, 1
	}
}
