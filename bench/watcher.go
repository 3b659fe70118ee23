package main

import (
	"cmp"
	"context"
	"errors"
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

// audience is the watchers of one phase.
type audience struct {
	watchers []*watcher
	leave    context.CancelFunc
	reading  sync.WaitGroup
}

// audienceSpec says who watches what.
type audienceSpec struct {
	servers []*server // in turn
	// fields is what the i-th watcher selects.
	fields func(i int) string
	// follow is the SKUs of the i-th watcher.
	follow func(i int) []int
	// receiveBytes is what the i-th watcher's connection takes in while it doesn't
	// read; nil: what it does by default.
	receiveBytes func(i int) int
	// returns has a watcher subscribe anew when its connection or subscription
	// ends, as client libraries do. Without it, that is an error.
	returns bool
}

// watch subscribes, and returns once every watcher has been told the present
// state of all that it follows.
func (w *world) watch(ctx context.Context, spec audienceSpec) (*audience, error) {
	reading, leave := context.WithCancel(ctx)
	a := &audience{watchers: make([]*watcher, w.sizes.subscribers), leave: leave}
	var subscribed atomic.Int64
	w.show.begin(w.name+": subscribed", 0, subscribed.Load)
	err := closed(ctx, preparers, below(w.sizes.subscribers), func(ctx context.Context, _, i int) error {
		one := &watcher{
			server: spec.servers[i%len(spec.servers)], skus: spec.follow(i),
			heard: make(map[int][]heard), resumed: make(map[int]bool), finished: make(chan struct{}),
		}
		body, err := request(fmt.Sprintf(availabilityChanged, spec.fields(i)), map[string]any{"skus": w.skus(one.skus)})
		if err != nil {
			return err
		}
		to := way{transport: w.settings.transport, serverURL: one.server.url, number: i}
		if spec.receiveBytes != nil {
			to.receiveBytes = spec.receiveBytes(i)
		}
		subscribe := func() (stream, error) { return to.open(reading, body) }
		if one.stream, err = subscribe(); err != nil {
			return err
		}
		a.watchers[i] = one
		subscribed.Add(1)
		a.reading.Go(func() {
			defer close(one.finished)
			one.read(reading, subscribe, spec.returns)
		})
		return nil
	})
	if err != nil {
		a.close()
		return nil, err
	}
	ready, err := eventually(ctx, dialTimeout, func() bool {
		for _, one := range a.watchers {
			if !one.knowsAll() && one.failure() == nil {
				return false
			}
		}
		return true
	})
	if err == nil && !ready {
		err = errors.New("subscribers were not told the present state")
	}
	if err = errors.Join(err, a.failure()); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// close ends all subscriptions, and returns when nothing is read any more.
func (a *audience) close() {
	a.leave()
	for _, one := range a.watchers {
		if one != nil {
			one.mu.Lock()
			one.stream.close()
			one.mu.Unlock()
		}
	}
	a.reading.Wait()
}

// failure is how the first of the watchers failed.
func (a *audience) failure() error {
	for i, one := range a.watchers {
		if err := one.failure(); err != nil {
			return fmt.Errorf("subscriber %d: %w", i, err)
		}
	}
	return nil
}

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

// deliveryPatience is how long after its end the deliveries of a load are
// waited for. What comes later is missing.
const deliveryPatience = 5 * time.Second

// catchUp waits until the watchers were told of the newest versions, and
// returns how long that took, and whether all of them were.
func catchUp(ctx context.Context, watchers []*watcher, newest map[int]int64) (time.Duration, bool, error) {
	begun := time.Now()
	all, err := eventually(ctx, deliveryPatience, func() bool {
		for _, one := range watchers {
			if !one.hasReached(newest) {
				return false
			}
		}
		return true
	})
	return time.Since(begun), all, err
}

// told is how long changes took to their subscribers.
type told struct {
	fromSent, fromAnswered *histogram
	missing                int64
}

func newTold() *told { return &told{fromSent: new(histogram), fromAnswered: new(histogram)} }

// compare finds the delivery of each change to this watcher, of the changes
// that were sent in [from, to).
func (t *told) compare(made *changes, one *watcher, from, to time.Time) {
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, sku := range one.skus {
		rest := one.heard[sku]
		if len(rest) == 0 {
			continue
		}
		present := rest[0].version // known from the start, and no delivery
		for _, c := range made.sorted(sku) {
			for len(rest) > 0 && rest[0].version < c.version {
				rest = rest[1:]
			}
			switch {
			case c.version <= present || c.sent.Before(from) || !c.sent.Before(to):
			case len(rest) == 0:
				t.missing++
			default:
				t.fromSent.record(rest[0].since(c.sent))
				t.fromAnswered.record(rest[0].since(c.answered))
			}
		}
	}
}

// compareAll does so for all changes and watchers.
func (t *told) compareAll(made *changes, watchers []*watcher) {
	for _, one := range watchers {
		t.compare(made, one, time.Time{}, time.Now())
	}
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

// notRisen is how many events of all watchers had a version that was not above
// the one before.
func (a *audience) notRisen() (count int64) {
	for _, one := range a.watchers {
		one.mu.Lock()
		count += one.notRisen
		one.mu.Unlock()
	}
	return count
}

// events is how many the watchers were told, the present state not counted.
func (a *audience) events() (count int64) {
	for _, one := range a.watchers {
		one.mu.Lock()
		for _, told := range one.heard {
			count += int64(len(told) - 1)
		}
		one.mu.Unlock()
	}
	return count
}
