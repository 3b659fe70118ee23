package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// change is one of a stock level, as the one who asked for it sees it. The SKUs
// of a workload have one location, so that a level's version is its SKU's.
type change struct {
	version             int64
	due, sent, answered time.Time
}

// changes is all that were answered as done, by SKU.
type changes struct {
	mu    sync.Mutex
	bySKU map[int][]change
	count int
}

func newChanges() *changes { return &changes{bySKU: make(map[int][]change)} }

func (c *changes) add(sku int, made change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bySKU[sku] = append(c.bySKU[sku], made)
	c.count++
}

func (c *changes) total() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.count)
}

// sorted returns a SKU's changes in the order of their versions.
func (c *changes) sorted(sku int) []change {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.bySKU[sku]
	slices.SortFunc(made, func(a, b change) int { return cmp.Compare(a.version, b.version) })
	return made
}

// newest returns the last version of each SKU that was changed.
func (c *changes) newest() map[int]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	newest := make(map[int]int64, len(c.bySKU))
	for sku, made := range c.bySKU {
		for _, one := range made {
			newest[sku] = max(newest[sku], one.version)
		}
	}
	return newest
}

// dueWithin is how long answers took, from when they were due, to what fell due
// between the two.
func (c *changes) dueWithin(begin, end time.Time) *histogram {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := new(histogram)
	for _, made := range c.bySKU {
		for _, one := range made {
			if !one.due.Before(begin) && one.due.Before(end) {
				took.record(one.answered.Sub(one.due))
			}
		}
	}
	return took
}

const adjustStock = `mutation($input:AdjustStockInput!){adjustStock(input:$input){stockLevel{version} userErrors{code}}}`

// load changes stock at a pace.
type load struct {
	made *changes
	// late is how long after it was due each change was sent: the client's own
	// delay, or, where it is large, that all its connections waited for answers.
	late *histogram
	// calls is how long answers took, from when they were due.
	calls *histogram
}

func newLoad() *load { return &load{newChanges(), new(histogram), new(histogram)} }

// run changes SKUs at random, over the servers given, for as long as p says.
func (l *load) run(ctx context.Context, w *world, p pace, skus int, servers []*server) error {
	callers, err := w.callers(ctx, w.sizes.connections, servers)
	if err != nil {
		return err
	}
	defer callers.close()
	adjust, err := prepare(adjustStock)
	if err != nil {
		return err
	}
	w.show.begin(fmt.Sprintf("%s: changes", w.name), p.duration, l.made.total)
	token := w.run + "-" + newRunName()
	outcomes := make([]map[string]int64, w.sizes.connections)
	bodies := make([][]byte, w.sizes.connections)
	err = paced(ctx, w.sizes.connections, p, func(_ context.Context, worker, i int, due time.Time) error {
		sku := rand.IntN(skus)
		body := adjust.with(bodies[worker][:0], `{"clientToken":"%s-%d","sku":%q,"delta":1,"reason":"RECEIVED"}`, token, i, w.sku(sku))
		bodies[worker] = body
		sent := time.Now()
		answer, err := callers[worker].post(body)
		if err != nil {
			return err
		}
		answered := time.Now()
		l.late.record(sent.Sub(due))
		l.calls.record(answered.Sub(due))
		outcome := outcomeOf(answer)
		if outcomes[worker] == nil {
			outcomes[worker] = make(map[string]int64)
		}
		outcomes[worker][outcome]++
		if version, found := numberAfter(answer, "version"); found {
			l.made.add(sku, change{version, due, sent, answered})
		}
		return nil
	})
	for _, counts := range outcomes {
		w.result.count(counts)
	}
	return err
}

// report says what the load itself was like.
func (l *load) report(r *result, where string) {
	r.latency("change due to answered"+where, l.calls, 0)
	r.latency("change due to sent (client)"+where, l.late, 0)
}

func (r *result) count(outcomes map[string]int64) {
	if r.Outcomes == nil {
		r.Outcomes = make(map[string]int64)
	}
	for outcome, count := range outcomes {
		r.Outcomes[outcome] += count
	}
}
