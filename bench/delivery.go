package main

import (
	"context"
	"time"
)

var delivery = workload{
	name: "delivery",
	about: `how long a change takes to its subscribers: changes at a steady rate at one server, over many SKUs, each of which some
subscribers follow; first with all subscribers on that server, then with all on another. Targets: 99 % of the
deliveries within 50 ms of the change being sent, and within 150 ms on the other server`,
	servers: 2,
	sizes:   sizes{duration: 20 * time.Second, rate: 1000, connections: 64, subscribers: 200, skus: 1000, follow: 50},
	run:     runDelivery,
}

func runDelivery(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	if err := w.measureDelivery(ctx, w.servers[0], ", same server", 50*time.Millisecond); err != nil {
		return err
	}
	if len(w.servers) == 1 {
		w.result.note("without -url2 nothing is said of another server")
		return nil
	}
	return w.measureDelivery(ctx, w.servers[1], ", other server", 150*time.Millisecond)
}

// measureDelivery has changes made at the first server, and told by this one.
func (w *world) measureDelivery(ctx context.Context, tells *server, where string, bound time.Duration) error {
	audience, err := w.watch(ctx, audienceSpec{
		servers: []*server{tells},
		fields:  briefly,
		follow:  func(i int) []int { return window(i, w.sizes.follow, w.sizes.skus) },
	})
	if err != nil {
		return err
	}
	defer audience.close()
	before, usageErr := tells.usage()
	load, begun := newLoad(), time.Now()
	if err := load.run(ctx, w, pace{begun, w.sizes.rate, w.sizes.duration}, w.sizes.skus, w.servers[:1]); err != nil {
		return err
	}
	after, _ := tells.usage()
	took := time.Since(begun)
	if _, _, err := catchUp(ctx, audience.watchers, load.made.newest()); err != nil {
		return err
	}
	if err := audience.failure(); err != nil {
		return err
	}
	t := newTold()
	t.compareAll(load.made, audience.watchers)
	w.result.latencyAtMost("change sent to delivered"+where, t.fromSent, t.missing, bound)
	w.result.latency("change answered to delivered"+where, t.fromAnswered, t.missing)
	load.report(w.result, where)
	events := audience.events()
	w.result.figure("events"+where, float64(events), "")
	w.result.figureAtMost("events whose version did not rise"+where, float64(audience.notRisen()), "", 0)
	if usageErr == nil {
		w.result.figure("server that tells: share of one processor"+where, 100*(after.cpu-before.cpu).Seconds()/took.Seconds(), "%")
		w.result.figure("server that tells: memory"+where, megabytes(after.resident), "MB")
	}
	return nil
}
