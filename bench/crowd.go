package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var crowd = workload{
	name: "crowd",
	about: `very many subscribers of one SKU on one server: the memory that each takes, how long one change takes to the last of
them, and then, with changes at a steady rate, how far each falls behind. With -distinct no two subscriptions have the
same text, so that nothing can be prepared for all at once. Targets: 40 kB for each; 1 s; never more than 2 s behind`,
	servers: 1,
	sizes:   sizes{duration: 30 * time.Second, rate: 20, subscribers: 10000, settle: 5 * time.Second},
	run:     runCrowd,
}

// trials is how often one change is sent by itself.
const trials = 3

// theCrowd is what its members share.
type theCrowd struct {
	members []*member
	reading sync.WaitGroup
	leaving atomic.Bool

	// sent is when the change that led to version base+i was sent, in
	// nanoseconds since begin. One caller makes all changes, and so knows the
	// version before it is answered.
	begin time.Time
	base  int64
	sent  []atomic.Int64

	// arrived counts those that were told awaited or a later version, and
	// lastArrival is when the last of them was.
	awaited     atomic.Int64
	arrived     atomic.Int64
	lastArrival atomic.Int64

	delivered histogram // of each event, from when its change was sent
	notRisen  atomic.Int64
	failed    atomic.Pointer[error]
}

// member is one subscriber. What isn't atomic belongs to its reader.
type member struct {
	stream stream
	last   atomic.Int64
	// behind is the longest, in nanoseconds, that what it last knew was out of
	// date.
	behind atomic.Int64
}

func runCrowd(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 1); err != nil {
		return err
	}
	server := w.servers[0]
	caller, err := newCaller(ctx, server.url)
	if err != nil {
		return err
	}
	defer caller.close()
	adjust, err := prepare(adjustStock)
	if err != nil {
		return err
	}

	if err := sleep(ctx, w.sizes.settle); err != nil {
		return err
	}
	before, usageErr := server.usage()
	c := &theCrowd{
		members: make([]*member, w.sizes.subscribers),
		begin:   time.Now(),
		base:    2, // a new SKU has version 1
		sent:    make([]atomic.Int64, trials+pace{rate: w.sizes.rate, duration: w.sizes.duration}.calls()),
	}
	defer c.close()
	if err := c.gather(ctx, w); err != nil {
		return err
	}
	gathered := time.Since(c.begin)
	w.step("let the server settle")
	if err := sleep(ctx, w.sizes.settle); err != nil {
		return err
	}
	settled, _ := server.usage()

	made, outcomes := 0, make(map[string]int64)
	change := func(due time.Time) error {
		body := adjust.with(nil, `{"clientToken":"%s-%d","sku":%q,"delta":1,"reason":"RECEIVED"}`, w.run, made, w.sku(0))
		c.sent[made].Store(int64(due.Sub(c.begin)))
		answer, err := caller.post(body)
		if err != nil {
			return err
		}
		outcomes[outcomeOf(answer)]++
		if version, _ := numberAfter(answer, "version"); version != c.base+int64(made) {
			return fmt.Errorf("not the next version of a SKU that nobody else changes: %s", answer)
		}
		made++
		return nil
	}

	w.step("one change to all")
	worst := time.Duration(0)
	for range trials {
		took, err := c.oneToAll(ctx, c.base+int64(made), change)
		if err != nil {
			return err
		}
		worst = max(worst, took)
	}

	c.delivered = histogram{}
	w.show.begin(fmt.Sprintf("%s: events", w.name), w.sizes.duration, c.delivered.count.Load)
	cpuBefore, _ := server.usage()
	loaded := time.Now()
	calls := new(histogram)
	// One worker: the changes are of one SKU, and in order.
	err = paced(ctx, 1, pace{time.Now(), w.sizes.rate, w.sizes.duration}, func(_ context.Context, _, _ int, due time.Time) error {
		defer func() { calls.record(time.Since(due)) }()
		return change(due)
	})
	if err != nil {
		return err
	}
	complete, err := eventually(ctx, deliveryPatience, func() bool { return c.knowing(c.base+int64(made)-1) == len(c.members) })
	if err != nil {
		return err
	}
	after, _ := server.usage()
	took := time.Since(loaded)
	if err := c.failure(); err != nil {
		return err
	}
	c.report(w.result, made-trials, complete, worst, gathered)
	w.result.latency("change due to answered", calls, 0)
	w.result.count(outcomes)
	if usageErr != nil {
		w.result.note("%v", usageErr)
		return nil
	}
	events := c.delivered.count.Load()
	w.result.figureAtMost("memory of each subscriber", float64(settled.resident-before.resident)/1000/float64(len(c.members)), "kB", 40)
	w.result.figure("server: memory before", megabytes(before.resident), "MB")
	w.result.figure("server: memory with all, settled", megabytes(settled.resident), "MB")
	w.result.figure("server: memory at its peak", megabytes(after.residentPeak), "MB")
	w.result.figure("server: processor time for each event", float64((after.cpu-cpuBefore.cpu).Microseconds())/float64(max(1, events)), "µs")
	w.result.figure("server: share of one processor", 100*(after.cpu-cpuBefore.cpu).Seconds()/took.Seconds(), "%")
	return nil
}

func (c *theCrowd) report(r *result, changed int, complete bool, worst, gathered time.Duration) {
	end := time.Since(c.begin)
	var behind int64
	for _, m := range c.members {
		c.fallBehind(m, m.last.Load(), end)
		behind = max(behind, m.behind.Load())
	}
	events := c.delivered.count.Load()
	r.latency("change due to delivered", &c.delivered, 0)
	r.figureAtMost("one change to all of them", worst.Seconds(), "s", 1)
	r.figureAtMost("longest that a subscriber was behind the latest value", time.Duration(behind).Seconds(), "s", 2)
	r.figure("all connected and told the present state after", gathered.Seconds(), "s")
	r.figure("events", float64(events), "")
	r.figure("coalesced: changes told with a later one", float64(int64(changed)*int64(len(c.members))-events), "")
	r.figureAtMost("events whose version did not rise", float64(c.notRisen.Load()), "", 0)
	if !complete {
		r.note("%v after the last change not every subscriber had been told of it", deliveryPatience)
	}
}

// gather subscribes everyone, and returns when each knows the present state.
func (c *theCrowd) gather(ctx context.Context, w *world) error {
	var subscribed atomic.Int64
	w.show.begin(w.name+": subscribed", 0, subscribed.Load)
	c.awaited.Store(1)
	err := closed(ctx, preparers, below(len(c.members)), func(ctx context.Context, _, i int) error {
		fields := briefly
		if w.settings.distinct {
			fields = fmt.Sprintf("%s mine%d:available", briefly, i)
		}
		body, err := request(fmt.Sprintf(availabilityChanged, fields), map[string]any{"skus": []string{w.sku(0)}})
		if err != nil {
			return err
		}
		one := &member{}
		if one.stream, err = open(ctx, w.settings.transport, w.servers[0].url, i, body); err != nil {
			return fmt.Errorf("subscriber %d: %w", i, err)
		}
		c.members[i] = one
		subscribed.Add(1)
		c.reading.Go(func() { c.read(one) })
		return nil
	})
	if err != nil {
		return err
	}
	return c.awaitArrivals(ctx)
}

// oneToAll makes one change, and returns how long it took to the last member.
func (c *theCrowd) oneToAll(ctx context.Context, version int64, change func(time.Time) error) (time.Duration, error) {
	c.arrived.Store(0)
	c.lastArrival.Store(0)
	c.awaited.Store(version)
	sent := time.Now()
	if err := change(sent); err != nil {
		return 0, err
	}
	if err := c.awaitArrivals(ctx); err != nil {
		return 0, err
	}
	return time.Duration(c.lastArrival.Load()) - sent.Sub(c.begin), nil
}

func (c *theCrowd) awaitArrivals(ctx context.Context) error {
	all, err := eventually(ctx, dialTimeout, func() bool {
		return c.arrived.Load() == int64(len(c.members)) || c.failed.Load() != nil
	})
	if err == nil && !all {
		err = fmt.Errorf("after %v only %d of %d subscribers were told", dialTimeout, c.arrived.Load(), len(c.members))
	}
	return errors.Join(err, c.failure())
}

func (c *theCrowd) read(m *member) {
	for {
		event, err := m.stream.next()
		at := time.Since(c.begin)
		if c.leaving.Load() {
			return
		}
		if err == nil {
			err = c.hear(m, event, at)
		}
		if err != nil {
			c.failed.CompareAndSwap(nil, &err)
			return
		}
	}
}

func (c *theCrowd) hear(m *member, event []byte, at time.Duration) error {
	version, found := numberAfter(event, "version")
	if !found {
		return fmt.Errorf("not what was subscribed to: %.300s", event)
	}
	before := m.last.Swap(version)
	if version <= before {
		c.notRisen.Add(1)
	}
	if before > 0 {
		c.delivered.record(at - c.sentAt(version))
		c.fallBehind(m, before, at)
	}
	if awaited := c.awaited.Load(); before < awaited && version >= awaited {
		raise(&c.lastArrival, int64(at))
		c.arrived.Add(1)
	}
	return nil
}

// sentAt is when the change that led to a version was sent; 0 where no change
// of ours did.
func (c *theCrowd) sentAt(version int64) time.Duration {
	if i := version - c.base; i >= 0 && i < int64(len(c.sent)) {
		return time.Duration(c.sent[i].Load())
	}
	return 0
}

// fallBehind notes how long a version has been out of date at a moment: since
// the next one was sent, which is before it was committed.
func (c *theCrowd) fallBehind(m *member, version int64, at time.Duration) {
	if superseded := c.sentAt(version + 1); superseded > 0 {
		raise(&m.behind, int64(at-superseded))
	}
}

// knowing is how many members know this version, or a later one.
func (c *theCrowd) knowing(version int64) int {
	count := 0
	for _, m := range c.members {
		if m.last.Load() >= version {
			count++
		}
	}
	return count
}

func (c *theCrowd) failure() error {
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *theCrowd) close() {
	c.leaving.Store(true)
	for _, m := range c.members {
		if m != nil {
			m.stream.close()
		}
	}
	c.reading.Wait()
}
