package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// skusPerSubscriptionMax is the server's bound.
const skusPerSubscriptionMax = 250

// briefly is what a counter on a screen needs.
func briefly(int) string { return "sku version available" }

// distinctly is the same, but no two ask for it in the same words.
func distinctly(i int) string { return fmt.Sprintf("sku version available mine%d:available", i) }

// fully is what a page about stock needs.
func fully(int) string {
	return "id sku version total reserved allocated available updatedAt locations{id location total reserved allocated available version}"
}

const availabilityChanged = "subscription($skus:[String!]!){availabilityChanged(skus:$skus){%s}}"

// watcher is a subscriber of availabilityChanged that keeps when it was told
// what.
type watcher struct {
	server *server
	skus   []int

	mu        sync.Mutex
	stream    stream
	heard     map[int][]heard // by SKU, in the order that it came
	notRisen  int64           // events whose version was not above the one before
	resumed   map[int]bool    // SKUs that are yet to be told since it subscribed anew
	returns   int64
	endedWith error

	stopReading atomic.Bool
	finished    chan struct{} // closed once it reads no more
}

// heard is kept by the million.
type heard struct {
	version int64
	at      int64 // Unix time in nanoseconds
}

func (h heard) since(moment time.Time) time.Duration { return time.Duration(h.at - moment.UnixNano()) }

// returnDelay is between the end of a subscription and the next try.
const returnDelay = 50 * time.Millisecond

func (one *watcher) read(ctx context.Context, subscribe func() (stream, error), returns bool) {
	for {
		event, err := one.stream.next()
		if err == nil {
			err = one.hear(event, time.Now())
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil || one.stopReading.Load() {
			return
		}
		if !returns {
			one.fail(err)
			return
		}
		one.stream.close()
		if err := one.comeBack(ctx, subscribe); err != nil {
			return
		}
	}
}

// comeBack subscribes anew, however often it takes. The only error is ctx's.
func (one *watcher) comeBack(ctx context.Context, subscribe func() (stream, error)) error {
	for {
		if err := sleep(ctx, returnDelay); err != nil {
			return err
		}
		next, err := subscribe()
		if err != nil {
			continue
		}
		one.mu.Lock()
		defer one.mu.Unlock()
		one.stream = next
		one.returns++
		for _, sku := range one.skus {
			one.resumed[sku] = true
		}
		if ctx.Err() != nil {
			next.close() // the one who closes all has been here
		}
		return ctx.Err()
	}
}

func (one *watcher) hear(event []byte, at time.Time) error {
	sku, isOurs := skuIn(event)
	version, hasVersion := numberAfter(event, "version")
	if !isOurs || !hasVersion {
		return fmt.Errorf("not what was subscribed to: %.300s", event)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	before := one.heard[sku]
	if len(before) > 0 {
		last := before[len(before)-1].version
		// Who subscribes anew is told the present state, known to him or not.
		if version < last || version == last && !one.resumed[sku] {
			one.notRisen++
		}
	}
	delete(one.resumed, sku)
	one.heard[sku] = append(before, heard{version, at.UnixNano()})
	return nil
}

func (one *watcher) fail(err error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.endedWith = err
}

func (one *watcher) failure() error {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.endedWith
}

func (one *watcher) knowsAll() bool {
	one.mu.Lock()
	defer one.mu.Unlock()
	return len(one.heard) == len(one.skus)
}

// hasReached says whether it was last told these versions, or later ones, of
// all that it follows.
func (one *watcher) hasReached(newest map[int]int64) bool {
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, sku := range one.skus {
		told := one.heard[sku]
		if len(told) == 0 || told[len(told)-1].version < newest[sku] {
			return false
		}
	}
	return true
}

// longestBehind returns the longest that what the watcher last knew of the SKU
// was out of date, up to the end: since the next change was sent, which is
// before it was committed.
func (one *watcher) longestBehind(sku int, made []change, end time.Time) (longest time.Duration) {
	one.mu.Lock()
	defer one.mu.Unlock()
	told := one.heard[sku]
	for i, h := range told {
		until := heard{at: end.UnixNano()}
		if i+1 < len(told) {
			until = told[i+1]
		}
		next, _ := slices.BinarySearchFunc(made, h.version+1, func(c change, version int64) int { return cmp.Compare(c.version, version) })
		if next < len(made) {
			longest = max(longest, until.since(made[next].sent))
		}
	}
	return longest
}

// toldAt is when the watcher was first told this version, or a later one.
func (one *watcher) toldAt(sku int, version int64) heard {
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, h := range one.heard[sku] {
		if h.version >= version {
			return h
		}
	}
	return heard{}
}
