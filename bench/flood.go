package main

import (
	"context"
	"errors"
	"time"
)

// flood is what comes to a server beside its ordinary clients. It returns when
// it is over or ctx is. Its connections may stay until ctx ends.
type flood func(ctx context.Context, host string) error

// floodAfter is the part of the load after which the flood comes: the ordinary
// clients have their connections by then.
const floodAfter = 10

// measureFlood compares what ordinary clients are answered before the flood, and
// in it.
func (w *world) measureFlood(ctx context.Context, come flood) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	host, err := w.servers[0].host()
	if err != nil {
		return err
	}
	before, beside := newLoad(), newLoad()
	if err := before.run(ctx, w, pace{time.Now(), w.sizes.rate, w.sizes.duration}, w.sizes.skus, w.servers); err != nil {
		return err
	}
	flooding, end := context.WithTimeout(ctx, w.sizes.duration)
	defer end()
	p := pace{time.Now(), w.sizes.rate, w.sizes.duration}
	begun, over := p.begin.Add(w.sizes.duration/floodAfter), time.Time{}
	ended := make(chan error, 1)
	go func() {
		err := sleepUntil(flooding, begun)
		if err == nil {
			err = come(flooding, host)
		}
		over = time.Now()
		ended <- err
	}()
	err = beside.run(ctx, w, p, w.sizes.skus, w.servers)
	end()
	if err = errors.Join(err, <-ended); err != nil {
		return err
	}
	inIt := beside.made.dueWithin(begun, over)
	w.result.figure("the flood lasted", over.Sub(begun).Seconds(), "s")
	w.result.latency("change due to answered, before", before.calls, 0)
	w.result.latencyAtMost("change due to answered, in the flood", inIt, 0, 2*before.calls.quantile(0.99))
	w.result.latency("change due to sent (client), in all", beside.late, 0)
	return nil
}
