package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

var expiry = workload{
	name: "expiry",
	about: `how late holds end: as many holds a second fall due as -rate says, for -duration, having been made at that rate before;
lateness is from a hold's expiresAt to its audit entry's time, and to the delivery at subscribers of its SKU, for which
this machine's clock and the database's must agree. Target: 99 % of the entries, and of the deliveries, within 50 ms`,
	servers: 1,
	sizes:   sizes{duration: 10 * time.Second, rate: 1000, connections: 64, subscribers: 4, skus: 100, follow: 25},
	run:     runExpiry,
}

const (
	// dueMargin is between the last hold that is made and the first that falls
	// due.
	dueMargin = 2 * time.Second

	// expiryPatience is how late an expiry is waited for. What is later is
	// missing.
	expiryPatience = 10 * time.Second
)

func runExpiry(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	audience, err := w.watch(ctx, audienceSpec{
		servers: w.servers,
		fields:  briefly,
		follow:  func(i int) []int { return window(i, w.sizes.follow, w.sizes.skus) },
	})
	if err != nil {
		return err
	}
	defer audience.close()

	// Whole seconds, as the API has it; more than it takes to make them all.
	ttl := (w.sizes.duration + dueMargin + time.Second - 1).Truncate(time.Second)
	due, err := w.makeHolds(ctx, ttl)
	if err != nil {
		return err
	}
	last := time.Time{}
	for _, expiresAt := range due {
		last = later(last, expiresAt)
	}
	before, usageErr := w.servers[0].usage()
	begun := time.Now()
	w.show.begin(w.name+": holds fall due", time.Until(last), nil)
	if err := sleepUntil(ctx, last); err != nil {
		return err
	}
	after, _ := w.servers[0].usage()
	took := time.Since(begun)
	ended, err := w.awaitExpiries(ctx, due)
	if err != nil {
		return err
	}
	if _, _, err := catchUp(ctx, audience.watchers, ended.newest()); err != nil {
		return err
	}
	if err := audience.failure(); err != nil {
		return err
	}

	r := w.result
	written := new(histogram)
	for sku := range w.sizes.skus {
		for _, e := range ended.sorted(sku) {
			written.record(e.answered.Sub(e.sent))
		}
	}
	r.latencyAtMost("expiresAt to the audit entry's time", written, int64(len(due)-ended.count), 50*time.Millisecond)
	t := newTold()
	t.compareAll(ended, audience.watchers)
	r.latencyAtMost("expiresAt to delivered", t.fromSent, t.missing, 50*time.Millisecond)
	r.figureAtMost("events whose version did not rise", float64(audience.notRisen()), "", 0)
	if usageErr == nil {
		r.figure("server: share of one processor while they fall due", 100*(after.cpu-before.cpu).Seconds()/took.Seconds(), "%")
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// makeHolds makes them at the rate, each for as long, so that they fall due at
// the rate. It returns when each does, by its id.
func (w *world) makeHolds(ctx context.Context, ttl time.Duration) (map[string]time.Time, error) {
	callers, err := w.callers(ctx, w.sizes.connections, w.servers)
	if err != nil {
		return nil, err
	}
	defer callers.close()
	create, err := prepare(createHold)
	if err != nil {
		return nil, err
	}
	late := new(histogram)
	w.show.begin(w.name+": holds", w.sizes.duration, late.count.Load)
	var mu sync.Mutex
	due, outcomes := make(map[string]time.Time), make(map[string]int64)
	p := pace{time.Now(), w.sizes.rate, w.sizes.duration}
	err = paced(ctx, w.sizes.connections, p, func(_ context.Context, worker, _ int, at time.Time) error {
		body := create.with(nil, `{"clientToken":%q,"ttlSeconds":%d,"lines":[{"sku":%q,"quantity":1}]}`,
			w.newToken(), int(ttl.Seconds()), w.sku(rand.IntN(w.sizes.skus)))
		late.record(time.Since(at))
		answer, err := callers[worker].post(body)
		if err != nil {
			return err
		}
		outcome := outcomeOf(answer)
		w.acknowledged.hold(outcome)
		id, _ := stringAfter(answer, "id")
		expiresAt, _ := stringAfter(answer, "expiresAt")
		mu.Lock()
		defer mu.Unlock()
		if outcomes[outcome]++; outcome != done {
			return nil
		}
		due[string(id)], err = time.Parse(time.RFC3339Nano, string(expiresAt))
		return err
	})
	w.result.count(outcomes)
	w.result.latency("hold due to sent (client)", late, 0)
	return due, err
}

// expiryPage is one of the audit log's.
type expiryPage struct {
	Edges []struct {
		Cursor string
		Node   struct {
			At            time.Time
			SKU           string
			Version       int64
			ReservationID string
		}
	}
}

const expiredEntries = `query($after:String,$since:DateTime!){auditLog(first:100,after:$after,order:OLDEST_FIRST,filter:{action:EXPIRED,since:$since})
{edges{cursor node{at sku version reservationId}}}}`

// awaitExpiries reads the entries by which these holds expired, until it has
// them all or patience ends. Each is a change that was "sent" when the hold fell
// due, and "answered" when the database says that it was ended.
func (w *world) awaitExpiries(ctx context.Context, due map[string]time.Time) (*changes, error) {
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return nil, err
	}
	defer c.close()
	first := time.Now()
	for _, expiresAt := range due {
		if expiresAt.Before(first) {
			first = expiresAt
		}
	}
	ended, waiting := newChanges(), maps.Clone(due)
	w.show.begin(w.name+": audit entries", 0, ended.total)
	variables := map[string]any{"since": first.UTC().Format(time.RFC3339Nano)}
	for end := time.Now().Add(expiryPatience); len(waiting) > 0 && time.Now().Before(end); {
		var page expiryPage
		if err := c.ask(expiredEntries, variables, "auditLog", &page); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		for _, edge := range page.Edges {
			variables["after"] = edge.Cursor
			sku, _ := skuNumber([]byte(edge.Node.SKU))
			if expiresAt, isWaiting := waiting[edge.Node.ReservationID]; isWaiting {
				delete(waiting, edge.Node.ReservationID)
				ended.add(sku, change{version: edge.Node.Version, sent: expiresAt, answered: edge.Node.At})
			}
		}
		if len(page.Edges) == 0 {
			// Entries may become visible behind those that were read.
			delete(variables, "after")
			if err := sleep(ctx, 100*time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
	return ended, nil
}
