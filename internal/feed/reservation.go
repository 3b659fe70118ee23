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
	in := f.reservations.listen(strings.ToLower(id))
	present, err := f.stock.ReservationByID(ctx, id)
	if err == nil && present == nil {
		err = &UnknownError{Field: []string{"id"}, Name: "reservation " + id}
	}
	if err != nil {
		f.reservations.leave(in)
		return nil, err
	}

	out := make(chan *inventory.Reservation)
	go func() {
		defer close(out)
		defer f.reservations.leave(in)
		deliverReservation(ctx, in, out, present)
	}()
	return out, nil
}

func deliverReservation(ctx context.Context, in *inbox[inventory.Reservation], out chan<- *inventory.Reservation, latest *inventory.Reservation) {
	ready := out
	for ctx.Err() == nil { // a select would deliver by chance what is ready when ctx has ended
		select {
		case ready <- latest:
			if latest.Status != inventory.Held {
				return
			}
			ready = nil // nothing is owed until it changes
		case <-in.ready:
			for _, reservation := range in.take() {
				if reservation.Revision > latest.Revision {
					latest, ready = &reservation, out
				}
			}
		case <-ctx.Done():
			return
		}
	}
}
