// Package repo is the repository: it loads what a group of commands touches,
// asks the domain, and writes what the domain decided, in one transaction.
//
//	Do ─► lane ─► flush ─► load ─► inventory.Decide ─► save; COMMIT ─► answers, feed
//	      (a group at a time)       └ nothing to save: roll back
//
// A group is two round trips, however many commands it has: one that begins,
// locks and reads, and one that writes and commits. Nobody is answered before
// the COMMIT is known. Where its answer is lost, the group is run again: every
// request carries an id, and meets its own effect if the first try did commit.
//
// Locks are taken in one order everywhere: reservations by id, stock levels by
// SKU and location, client tokens by key, then the rest.
package repo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/sync/singleflight"

	"holdfast/internal/groupcommit"
	"holdfast/internal/groupread"
	"holdfast/internal/inventory"
)

// Announcer is told of changes once they are committed. It must not block.
type Announcer interface {
	Announce(inventory.Changes)
}

// Options are what an operator may set.
type Options struct {
	Limits inventory.Limits
	// Strategy is that of commands that name none.
	Strategy inventory.Strategy
	// OptimisticRetries is how often a command is decided anew because others
	// were faster. The last of them locks.
	OptimisticRetries int
	// LockTimeout is how long a command alone waits for a lock.
	LockTimeout time.Duration
	// RequestTimeout bounds a group, whatever happens to it.
	RequestTimeout time.Duration
	Log            *slog.Logger
	// Observer is told of what is done. Nil: nobody is.
	Observer Observer
	// ObserveStock is told of each statement that read stock: for how many queries,
	// and how long it took. It must be quick, for they wait for it, and safe for
	// concurrent use. Nil: nobody is told.
	ObserveStock func(queries int, took time.Duration)
	// Tracer makes spans of what is done. Nil: nobody does.
	Tracer Tracer
}

// Repo is the repository. It is safe for concurrent use.
type Repo struct {
	db         *bun.DB
	options    Options
	announcers []Announcer
	lanes      map[inventory.Strategy]*groupcommit.Lane[*call, inventory.Outcome]
	stock      *groupread.Lanes[stockQuery, *stockRead]
	outage     outage
	checks     singleflight.Group
	partSizes  partSizes
	// reads holds one for each read that has a connection, but for those of stock.
	reads chan struct{}
	// followers holds one for each follower of the log that reads.
	followers chan struct{}
	// checking holds one while a consistency check is under way.
	checking chan struct{}
	// snapping holds one while a snapshot is being taken.
	snapping chan struct{}
	// running is the context of the reconciliation runs, which outlive their
	// callers but not the repository.
	running     context.Context
	stopRunning context.CancelFunc
	runs        sync.WaitGroup
	// admitting keeps a run from being admitted beside Close.
	admitting sync.Mutex
}

// New returns a repository over a migrated database. Close it after use.
func New(db *bun.DB, options Options) *Repo {
	if options.Observer == nil {
		options.Observer = unobserved{}
	}
	if options.ObserveStock == nil {
		options.ObserveStock = func(int, time.Duration) {}
	}
	if options.Tracer == nil {
		options.Tracer = untraced{}
	}
	r := &Repo{db: db, options: options, partSizes: defaultPartSizes}
	r.checking = make(chan struct{}, 1)
	r.snapping = make(chan struct{}, 1)
	r.running, r.stopRunning = context.WithCancel(context.Background())
	r.followers = make(chan struct{}, followersAtOnce)
	r.reads = make(chan struct{}, readsAtOnce(db.Stats().MaxOpenConnections))
	r.lanes = map[inventory.Strategy]*groupcommit.Lane[*call, inventory.Outcome]{
		inventory.Optimistic:  r.newLane(optimistic{}),
		inventory.Pessimistic: r.newLane(pessimistic{}),
	}
	r.stock = r.newStockLanes()
	return r
}

// AnnounceTo names who is told of changes. Call it before the first command.
func (r *Repo) AnnounceTo(announcers ...Announcer) { r.announcers = announcers }

// Close breaks off reconciliation and finishes the commands that were taken, or
// gives up when ctx ends. New ones are refused with ErrOverloaded.
func (r *Repo) Close(ctx context.Context) {
	r.admitting.Lock()
	r.stopRunning()
	r.admitting.Unlock()
	ended := make(chan struct{})
	go func() {
		r.runs.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	for _, lane := range r.lanes {
		if err := lane.Stop(ctx); err != nil {
			r.options.Log.Warn("commands were left unfinished", "error", err)
		}
	}
}

// Queued is how many commands wait for their group, or for their turn alone.
func (r *Repo) Queued() int {
	queued := 0
	for _, lane := range r.lanes {
		queued += lane.Queued()
	}
	return queued
}

// StockQueued is how many queries of stock wait for their statement.
func (r *Repo) StockQueued() int { return r.stock.Queued() }

// Ready says why the database can't serve, if it can't.
func (r *Repo) Ready(ctx context.Context) error {
	_, err := r.db.ExecContext(ctx, patienceFor(groupLockTimeout).within(ctx).settings()+"SELECT 1 FROM stock_levels LIMIT 1")
	return err
}

func (r *Repo) announce(changes inventory.Changes) {
	for _, announcer := range r.announcers {
		announcer.Announce(changes)
	}
}
