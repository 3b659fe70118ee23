package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var crowd = workload{
	name: "crowd",
	about: `very many subscribers of one SKU on one server: the memory that each takes, how long one change takes to the last of
them, and then, with changes at a steady rate, how far each falls behind. With -distinct no two subscriptions have the
same text, so that nothing can be prepared for all at once. Targets: 40 kB for each; 1 s; never more than 2 s behind`,
	servers: 1,
	sizes:   sizes{duration: 30 * time.Second, rate: 20, connections: 64, subscribers: 10000, settle: 5 * time.Second},
	run:     runCrowd,
}

// trials is how often one change is made by itself.
const trials = 3

func runCrowd(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	server := w.servers[0]
	w.step("let the server settle")
	if err := sleep(ctx, w.sizes.settle); err != nil {
		return err
	}
	before, usageErr := server.usage()

	spec := audienceSpec{servers: w.servers, fields: briefly, follow: func(int) []int { return []int{0} }}
	if w.settings.distinct {
		spec.fields = distinctly
	}
	begun := time.Now()
	audience, err := w.watch(ctx, spec)
	if err != nil {
		return err
	}
	defer audience.close()
	gathered := time.Since(begun)
	w.step("let the server settle")
	if err := sleep(ctx, w.sizes.settle); err != nil {
		return err
	}
	settled, _ := server.usage()

	worst := time.Duration(0)
	for range trials {
		took, err := w.oneToAll(ctx, audience)
		if err != nil {
			return err
		}
		worst = max(worst, took)
	}

	eventsBefore := audience.events()
	cpuBefore, _ := server.usage()
	load := newLoad()
	begun = time.Now()
	if err := load.run(ctx, w, pace{begun, w.sizes.rate, w.sizes.duration}, 1, w.servers); err != nil {
		return err
	}
	_, caughtUp, err := catchUp(ctx, audience.watchers, load.made.newest())
	if err != nil {
		return err
	}
	end := time.Now()
	after, _ := server.usage()
	if err := audience.failure(); err != nil {
		return err
	}

	t, behind := newTold(), time.Duration(0)
	t.compareAll(load.made, audience.watchers)
	made := load.made.sorted(0)
	for _, one := range audience.watchers {
		behind = max(behind, one.longestBehind(0, made, end))
	}
	events := audience.events() - eventsBefore
	r, count := w.result, len(audience.watchers)
	r.latency("change sent to delivered", t.fromSent, t.missing)
	load.report(r, "")
	r.figureAtMost("one change to all of them", worst.Seconds(), "s", 1)
	r.figureAtMost("longest that a subscriber was behind the latest value", behind.Seconds(), "s", 2)
	r.figure("all connected and told the present state after", gathered.Seconds(), "s")
	r.figure("events", float64(events), "")
	r.figure("coalesced: changes told with a later one", float64(t.fromSent.count.Load()-events), "")
	r.figureAtMost("events whose version did not rise", float64(audience.notRisen()), "", 0)
	if !caughtUp {
		r.note("%v after the last change not every subscriber had been told of it", deliveryPatience)
	}
	if usageErr != nil {
		r.note("%v", usageErr)
		return nil
	}
	cpu := after.cpu - cpuBefore.cpu
	r.figureAtMost("memory of each subscriber", float64(settled.resident-before.resident)/1000/float64(count), "kB", 40)
	r.figure("server: memory before", megabytes(before.resident), "MB")
	r.figure("server: memory with all, settled", megabytes(settled.resident), "MB")
	r.figure("server: memory at its peak", megabytes(after.residentPeak), "MB")
	r.figure("server: processor time for each event", float64(cpu.Microseconds())/float64(max(1, events)), "µs")
	r.figure("server: share of one processor", 100*cpu.Seconds()/end.Sub(begun).Seconds(), "%")
	return nil
}

// oneToAll makes one change, and returns how long it took from its sending to
// the last of the audience.
func (w *world) oneToAll(ctx context.Context, audience *audience) (time.Duration, error) {
	w.step("one change to all")
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return 0, err
	}
	defer c.close()
	adjust, err := prepare(adjustStock)
	if err != nil {
		return 0, err
	}
	body := adjust.with(nil, `{"clientToken":%q,"sku":%q,"delta":1,"reason":"RECEIVED"}`, newRunName(), w.sku(0))
	sent := time.Now()
	answer, err := c.post(body)
	if err != nil {
		return 0, err
	}
	version, found := numberAfter(answer, "version")
	if !found {
		return 0, fmt.Errorf("adjustStock was answered %s", answer)
	}
	_, all, err := catchUp(ctx, audience.watchers, map[int]int64{0: version})
	if err == nil && !all {
		err = fmt.Errorf("%v after a change not every subscriber had been told of it", deliveryPatience)
	}
	if err = errors.Join(err, audience.failure()); err != nil {
		return 0, err
	}
	took := time.Duration(0)
	for _, one := range audience.watchers {
		took = max(took, one.toldAt(0, version).since(sent))
	}
	return took, nil
}
