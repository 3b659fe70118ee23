package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"holdfast/internal/failures"
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

// Options are what the feed tells of itself.
type Options struct {
	Log *slog.Logger
	// Observe, if it isn't nil, is told of each look at the audit log.
	Observe func(Look)
}

// Feed is the source of subscriptions. It is safe for concurrent use.
type Feed struct {
	stock   Stock
	tail    Tail
	options Options
	// levels are told by SKU, reservations by id.
	levels       *hub[inventory.StockLevel]
	reservations *hub[inventory.Reservation]
	// followers are told how far the log is settled.
	followers followers

	// ctx is the looks'.
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	// joined is signalled when there are new subscribers.
	joined chan struct{}

	// These belong to the reader's goroutine.
	window   window
	failures failures.Streak
	// begins is true until what was there at the start is read: that is no news.
	begins bool
	// lookedAt is when the last look began, due when the next is to, changedAt
	// when one last found something, and joinedAt when subscribers last came.
	lookedAt, due, changedAt, joinedAt time.Time
}

// New returns a feed without subscribers, which is told of the changes of its
// own server alone until it is started.
func New(stock Stock, tail Tail, options Options) *Feed {
	f := &Feed{stock: stock, tail: tail, options: options, joined: make(chan struct{}, 1)}
	f.levels = newHub(
		func(l inventory.StockLevel) string { return l.ID() },
		func(l inventory.StockLevel) int64 { return l.Version }, f.join)
	f.reservations = newHub(
		func(r inventory.Reservation) string { return r.ID },
		func(r inventory.Reservation) int64 { return r.Revision }, f.join)
	f.followers.changed = make(chan struct{})
	f.failures = failures.New(failures.Options{
		Began: "what other servers changed can't be read; trying again", Ended: "what other servers change is read again",
		PauseMin: retryPauseMin, PauseMax: retryPauseMax, Log: options.Log,
	})
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
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

func (f *Feed) join() {
	select {
	case f.joined <- struct{}{}:
	default: // it will look at who is there anyway
	}
}
