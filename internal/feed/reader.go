package feed

import (
	"context"
	"time"

	"holdfast/internal/inventory"
)

const (
	// busyPace is how often the log is looked at while there are subscribers and
	// changes. Half of it is how late they are told on the average; a look costs
	// the database about a tenth of a millisecond.
	busyPace = 10 * time.Millisecond
	// calmPace is for subscribers without changes: how late the first change
	// after a pause may be. Nobody sees a twentieth of a second.
	calmPace = 50 * time.Millisecond
	// idlePace is for no subscribers. It keeps short what the first one has read.
	idlePace = time.Second
	// calmAfter is how long after a change the next is expected soon.
	calmAfter = time.Second

	// entriesAtOnce is how many entries one statement reads: some tens of
	// milliseconds' work.
	entriesAtOnce = 10_000

	retryPauseMin = 20 * time.Millisecond
	retryPauseMax = time.Second
)

// Tail is the part of the repository that reads the end of the audit log. All of
// it is safe to repeat.
type Tail interface {
	// Look says where the log ends.
	Look(ctx context.Context) (inventory.LogLook, error)
	// Before answers a position such that all entries up to it are about as old
	// as age, or older.
	Before(ctx context.Context, age time.Duration) (int64, error)
	// News reads the first entries of the spans, at most limit.
	News(ctx context.Context, spans []inventory.LogSpan, limit int, withReservations bool) (inventory.LogNews, error)
	// StoredReservations answers those of the reservations that there are.
	StoredReservations(ctx context.Context, ids []string) ([]inventory.Reservation, error)
}

// Look is how one look at the log went.
type Look struct {
	// Overdue is how late it began, and Took how long the answer took: the
	// lateness of the doorbell.
	Overdue, Took time.Duration
	// Entries is how many were read for subscribers to the latest value, and Lag
	// how long before the first of them had happened, by the database's clock.
	// What is read at the start doesn't count.
	Entries int
	Lag     time.Duration
}

// Start has the subscribers told of what all servers commit, until Stop.
func (f *Feed) Start() { f.ended.Go(f.run) }

// Stop returns when the reader has ended, or when ctx does. Subscriptions live
// on, and are told of their own server's changes. It is safe to repeat, and
// without a start.
func (f *Feed) Stop(ctx context.Context) {
	f.cancel()
	ended := make(chan struct{})
	go func() {
		f.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (f *Feed) run() {
	f.due = time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.ctx.Err() == nil { // a timer may have run out with it
		select {
		case <-f.ctx.Done():
		case <-f.joined:
			f.joinedAt = time.Now()
		case <-timer.C:
			f.runOnce()
		}
		timer.Reset(f.rest())
	}
}

// rest is how long until the next look, which it makes due then.
func (f *Feed) rest() time.Duration {
	retryAt, failing := f.failures.RetryAt()
	switch {
	case failing:
		f.due = retryAt
	case !f.inUse():
		f.due = f.lookedAt.Add(idlePace)
	case time.Since(f.changedAt) < calmAfter:
		f.due = f.lookedAt.Add(busyPace)
	default:
		f.due = f.lookedAt.Add(calmPace)
	}
	if f.due.Before(f.joinedAt) { // before that it was due for nobody
		f.due = f.joinedAt
	}
	return time.Until(f.due)
}

func (f *Feed) inUse() bool {
	return f.levels.inUse() || f.reservations.inUse() || f.followers.any()
}

// runOnce looks once, and reads what there is to be read.
func (f *Feed) runOnce() {
	began := time.Now()
	f.lookedAt = began
	seen := Look{Overdue: began.Sub(f.due)}
	err := f.look(began)
	seen.Took = time.Since(began)
	if err == nil {
		err = f.readNews(&seen)
	}
	if f.begins && err == nil {
		f.begins, seen.Entries, seen.Lag = false, 0, 0
	}
	if f.ctx.Err() != nil {
		return
	}
	if err != nil {
		f.window.lose()
		f.failures.Add(err)
	} else {
		f.failures.End()
	}
	f.followers.tell(&f.window)
	if err == nil && f.options.Observe != nil {
		f.options.Observe(seen)
	}
}

// look rings at the database.
func (f *Feed) look(now time.Time) error {
	if !f.window.begun {
		if err := f.begin(); err != nil {
			return err
		}
	}
	last := f.window.last
	look, err := f.tail.Look(f.ctx)
	if err != nil {
		return err
	}
	if !f.window.look(look, now) {
		f.options.Log.Warn("the audit log ends before what was read of it, as if the database had been restored; reading anew",
			"ended", last, "ends", look.Last)
		if err := f.begin(); err != nil {
			return err
		}
		f.window.look(look, now)
	}
	if look.Last != last {
		f.changedAt = now
	}
	return nil
}

// begin has the window begin such that nothing is missed that is still under
// way.
func (f *Feed) begin() error {
	before, err := f.tail.Before(f.ctx, finishedAfter)
	if err == nil {
		f.window.begin(before)
		f.begins = true
	}
	return err
}

// readNews tells the latest-value subscribers what is new.
func (f *Feed) readNews(seen *Look) error {
	for more := true; more && f.ctx.Err() == nil; {
		// Asked for after the look: whoever begins to listen later than this reads
		// a state that has all that was settled by then.
		withReservations := f.reservations.inUse()
		if !withReservations && !f.levels.inUse() {
			f.window.pass()
			return nil
		}
		spans := f.window.spans()
		if len(spans) == 0 {
			return nil
		}
		news, err := f.tail.News(f.ctx, spans, entriesAtOnce, withReservations)
		if err != nil {
			return err
		}
		if !withReservations && f.reservations.inUse() {
			continue // somebody has come who may have read the state before that
		}
		changed, err := f.storedReservations(news.Reservations)
		if err != nil {
			return err
		}
		for _, level := range news.Levels {
			f.levels.publish(level.SKU, level)
		}
		for _, reservation := range changed {
			f.reservations.publish(reservation.ID, reservation)
		}
		now := time.Now()
		if news.Entries > 0 {
			f.changedAt = now
		}
		f.window.read(news, now)
		seen.Entries += news.Entries
		seen.Lag = max(seen.Lag, news.Lag)
		more = news.Entries == entriesAtOnce
	}
	return nil
}

// storedReservations reads those that somebody here follows.
func (f *Feed) storedReservations(ids []string) ([]inventory.Reservation, error) {
	if ids = f.reservations.listenedTo(ids); len(ids) == 0 {
		return nil, nil
	}
	return f.tail.StoredReservations(f.ctx, ids)
}
