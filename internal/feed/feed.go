// Package feed tells subscribers of changes of stock and reservations.
//
//	commit ─► Announce ─► hub ─► one pending value per subscriber and subject ─► channel
//
// A subscriber first gets the present state, then each change that it hasn't
// seen a newer one of. What it hasn't taken yet is overwritten by what comes
// next: a slow reader gets the latest value late, never a backlog. Commits may
// be announced out of order; versions put them right, and what was announced
// while the present state was read is laid over it.
package feed

import (
	"context"

	"holdfast/internal/inventory"
)

// Stock reads the present state.
type Stock interface {
	Availability(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error)
	ReservationByID(ctx context.Context, id string) (*inventory.Reservation, error)
}

// UnknownError says that there is nothing to subscribe to.
type UnknownError struct {
	// Field is the path of the argument that names it.
	Field []string
	// Name is what it names.
	Name string
}

func (e *UnknownError) Error() string { return "there is no " + e.Name }

// Feed is the source of subscriptions. It is safe for concurrent use.
type Feed struct {
	stock Stock
	// levels are told by SKU, reservations by id.
	levels       *hub[inventory.StockLevel]
	reservations *hub[inventory.Reservation]
}

// New returns a feed without subscribers.
func New(stock Stock) *Feed {
	return &Feed{
		stock: stock,
		levels: newHub(
			func(l inventory.StockLevel) string { return l.ID() },
			func(l inventory.StockLevel) int64 { return l.Version }),
		reservations: newHub(
			func(r inventory.Reservation) string { return r.ID },
			func(r inventory.Reservation) int64 { return r.Revision }),
	}
}

// Announce tells the subscribers of committed changes. It does not block.
func (f *Feed) Announce(changes inventory.Changes) {
	for _, change := range changes.Levels {
		f.levels.publish(change.After.SKU, change.After)
	}
	// Who follows a reservation has read it as it was made, or as it became.
	for _, move := range changes.Moved {
		f.reservations.publish(move.After.ID, move.After)
	}
}
