package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

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
