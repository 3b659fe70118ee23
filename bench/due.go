package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

var due = workload{
	name: "due",
	about: `-holds holds fall due within one second: how fast they are swept, first with nothing else to do, and then while new
holds are made, of which it is told what they keep of their throughput before and after. Targets: 20,000 a second; 50 %`,
	servers: 1,
	needs:   needs{sql: true},
	sizes:   sizes{duration: 5 * time.Second, connections: 256, skus: 1000, holds: 100_000},
	run:     runDue,
}

const (
	// sweptTarget is how many holds must be swept a second.
	sweptTarget = 20_000

	// dueWithin is from the moment to the last deadline, at most: a second because
	// lifetimes are whole seconds, and another for the way of the request, which
	// a hold's life only begins after.
	dueWithin = 2 * time.Second

	// dueUndisturbed is the row of new holds that nothing is swept beside.
	dueUndisturbed = "new holds, nothing due, before and after"

	// sweepPatience is how long a sweep is waited for.
	sweepPatience = 2 * time.Minute
)

func runDue(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	sale := drive{name: "new holds", script: w.holding(holds{strategy: w.settings.strategies[0], lines: 1, picker: evenly(w.sizes.skus)})}
	before, err := w.driven(sale).measure(ctx)
	if err != nil {
		return err
	}
	nothingElse, err := w.sweptAlone(ctx, before.perSecond())
	if err != nil {
		return err
	}

	at, err := w.makeDue(ctx, before.perSecond())
	if err != nil {
		return err
	}
	// A sweep that is under way ends the sale, and the sale's end the watch.
	watching, leave := context.WithCancel(ctx)
	defer leave()
	var swept atomic.Bool
	watched := make(chan error, 1)
	go func() {
		defer swept.Store(true)
		watched <- w.awaitSwept(watching, at)
	}()
	sale.name, sale.duration, sale.stopped = "new holds while others fall due", dueMargin+sweepPatience, swept.Load
	if err := sleepUntil(ctx, at); err != nil {
		return err
	}
	meanwhile, err := w.driven(sale).measure(ctx)
	if err != nil {
		leave()
		return errors.Join(err, errUnless(watching, <-watched))
	}
	if err := <-watched; err != nil {
		return err
	}
	beside, err := w.sweptPerSecond(ctx, at)
	if err != nil {
		return err
	}

	// Tables that have grown make holds slower too: what nothing was due beside is
	// measured on both sides.
	sale.name, sale.duration, sale.stopped = "new holds, nothing due any more", 0, nil
	after, err := w.driven(sale).measure(ctx)
	if err != nil {
		return err
	}

	undisturbed := w.tell(dueUndisturbed, before, after)
	disturbed := w.tell("new holds, while others fall due", meanwhile)
	w.result.figureAtLeast("swept, with nothing else to do", nothingElse, "/s", sweptTarget)
	w.result.figureAtLeast("swept, beside new holds", beside, "/s", sweptTarget)
	w.result.figureAtLeast("new holds keep", 100*disturbed.PerSecond/undisturbed.PerSecond, "%", 50)
	w.reportMemory()
	return nil
}

// tell has a row of rounds that were measured outside of a contest.
func (w *world) tell(name string, rounds ...measured) *row {
	one := newRow(name)
	for _, m := range rounds {
		one.add(m)
	}
	w.tellRow(one)
	return one
}

// sweptAlone has holds fall due while nothing else is done, and returns how many
// of them were swept a second.
func (w *world) sweptAlone(ctx context.Context, perSecond float64) (float64, error) {
	at, err := w.makeDue(ctx, perSecond)
	if err != nil {
		return 0, err
	}
	w.show.begin(w.name+": holds fall due", time.Until(at), nil)
	if err := w.awaitSwept(ctx, at); err != nil {
		return 0, err
	}
	return w.sweptPerSecond(ctx, at)
}

// makeDue makes holds that all fall due within a second from the moment that it
// returns, which is when they should all have been made, at this speed.
func (w *world) makeDue(ctx context.Context, perSecond float64) (time.Time, error) {
	callers, err := w.callers(ctx, w.sizes.connections, w.servers)
	if err != nil {
		return time.Time{}, err
	}
	defer callers.close()
	create, err := prepare(createHold)
	if err != nil {
		return time.Time{}, err
	}
	// Twice what it should take, for they may well be slower than the sale.
	at := time.Now().Add(time.Duration(2*float64(w.sizes.holds)/perSecond*float64(time.Second)) + dueMargin)
	pick := evenly(w.sizes.skus)()
	var made atomic.Int64
	w.show.begin(w.name+": holds", 0, made.Load)
	err = closed(ctx, w.sizes.connections, below(w.sizes.holds), func(_ context.Context, worker, _ int) error {
		var sku [1]int
		pick(sku[:])
		left := time.Until(at)
		if left <= 0 {
			return errors.New("the first holds fell due before the last were made")
		}
		// Whole seconds, rounded up, so that none falls due before the moment.
		ttl := (left + time.Second - 1) / time.Second
		answer, err := callers[worker].post(create.with(nil, `{"clientToken":%q,"ttlSeconds":%d,"lines":[{"sku":%q,"quantity":1}]}`,
			w.newToken(), ttl, w.sku(sku[0])))
		if err != nil {
			return err
		}
		outcome := outcomeOf(answer)
		if w.acknowledged.hold(outcome); outcome != done {
			return fmt.Errorf("createHold was answered %s", answer)
		}
		made.Add(1)
		return nil
	})
	return at, err
}

// awaitSwept returns when none is held any more of those that fall due from the
// moment on.
func (w *world) awaitSwept(ctx context.Context, at time.Time) error {
	last := at.Add(dueWithin)
	if err := sleepUntil(ctx, at); err != nil {
		return err
	}
	for end := last.Add(sweepPatience); ; {
		var isHeld bool
		err := w.db.NewRaw("SELECT EXISTS (SELECT FROM reservations WHERE status = 'HELD' AND expires_at <= ?)", last).Scan(ctx, &isHeld)
		if err != nil || !isHeld {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%v after they fell due not all holds were swept", sweepPatience)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// sweptPerSecond is from the first deadline to when the last was ended, by the
// database's clock.
func (w *world) sweptPerSecond(ctx context.Context, at time.Time) (float64, error) {
	var swept struct {
		Count   int64
		Seconds float64
	}
	err := w.db.NewRaw(`SELECT count(*) AS count, coalesce(extract(epoch FROM max(completed_at) - min(expires_at)), 0)::float8 AS seconds
		FROM reservations WHERE status = 'EXPIRED' AND client_token LIKE ? AND expires_at BETWEEN ?::timestamptz - interval '1 second' AND ?`,
		w.tokenPrefix()+"%", at, at.Add(dueWithin)).Scan(ctx, &swept)
	if err != nil {
		return 0, fmt.Errorf("count what was swept: %w", err)
	}
	if swept.Count < int64(w.sizes.holds) {
		return 0, fmt.Errorf("of %d holds that fell due %d were swept", w.sizes.holds, swept.Count)
	}
	return float64(swept.Count) / swept.Seconds, nil
}
