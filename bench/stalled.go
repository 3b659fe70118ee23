package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

var stalled = workload{
	name: "stalled",
	about: `subscribers that stop reading: after -duration half of them read no more, but go on to send WebSocket pongs and pong
messages, for another -duration; how long it takes until each of them is cut off, what it does to the others, and
to the server's memory. Their connections take in -receive bytes, by default few, so that it is soon the server that
has to wait. Targets: cut within 10 s; the others' 99th percentile at most doubles; at most 64 MB more`,
	servers: 1,
	needs:   needs{webSocket: true},
	sizes:   sizes{duration: 15 * time.Second, rate: 100, connections: 16, subscribers: 200, skus: 100, follow: 100},
	run:     runStalled,
}

const (
	nagInterval    = 100 * time.Millisecond
	memoryInterval = 200 * time.Millisecond
)

func runStalled(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	audience, err := w.watch(ctx, audienceSpec{
		servers: w.servers,
		fields:  fully,
		follow:  func(i int) []int { return window(i, w.sizes.follow, w.sizes.skus) },
		receiveBytes: func(i int) int {
			if i < w.sizes.subscribers/2 {
				return 0
			}
			return w.settings.receive
		},
	})
	if err != nil {
		return err
	}
	defer audience.close()
	staying, stalling := audience.watchers[:w.sizes.subscribers/2], audience.watchers[w.sizes.subscribers/2:]

	load := newLoad()
	p := pace{time.Now(), w.sizes.rate, 2 * w.sizes.duration}
	half := p.begin.Add(w.sizes.duration)
	var s stall
	var measuring sync.WaitGroup
	measuring.Go(func() { s.err = s.measure(ctx, w.servers[0], stalling, half, half.Add(w.sizes.duration)) })
	err = load.run(ctx, w, p, w.sizes.skus, w.servers)
	measuring.Wait()
	if err = errors.Join(err, s.err); err != nil {
		return err
	}
	if _, _, err := catchUp(ctx, staying, load.made.newest()); err != nil {
		return err
	}
	if err := audience.failure(); err != nil {
		return err
	}

	before, after := newTold(), newTold()
	for _, one := range staying {
		before.compare(load.made, one, p.begin, half)
		after.compare(load.made, one, half, time.Now())
	}
	r := w.result
	r.latencyAtMost("until one that stopped reading was cut", &s.cut, s.never, 10*time.Second)
	r.latency("change sent to delivered, before", before.fromSent, before.missing)
	r.latencyAtMost("change sent to delivered, to the others", after.fromSent, after.missing, 2*before.fromSent.quantile(0.99))
	load.report(r, "")
	if s.usageErr != nil {
		r.note("%v", s.usageErr)
		return nil
	}
	r.figure("server: memory before", megabytes(s.memoryBefore), "MB")
	r.figureAtMost("server: memory it grew by, at most", megabytes(s.memoryMost-s.memoryBefore), "MB", 64)
	return nil
}

// stall is what happens once some have stopped reading.
type stall struct {
	cut                      histogram
	never                    int64
	memoryBefore, memoryMost int64
	usageErr, err            error
}

func (s *stall) measure(ctx context.Context, server *server, stalling []*watcher, from, to time.Time) error {
	if err := sleepUntil(ctx, from); err != nil {
		return err
	}
	var present usage
	present, s.usageErr = server.usage()
	s.memoryBefore, s.memoryMost = present.resident, present.resident

	over := make(chan struct{})
	var nagging sync.WaitGroup
	var mu sync.Mutex
	for _, one := range stalling {
		nagging.Go(func() {
			stoppedAt := time.Now()
			wasCut := one.stall(over)
			mu.Lock()
			defer mu.Unlock()
			if wasCut {
				s.cut.record(time.Since(stoppedAt))
			} else {
				s.never++
			}
		})
	}
	var err error
	for err == nil && time.Now().Before(to) {
		if present, usageErr := server.usage(); usageErr == nil {
			s.memoryMost = max(s.memoryMost, present.resident)
		}
		err = sleep(ctx, memoryInterval)
	}
	close(over)
	nagging.Wait()
	return err
}

// stall has a watcher read no more, and nag. It returns whether the server cut
// it off before it was over.
func (one *watcher) stall(over <-chan struct{}) bool {
	w, isWebSocket := one.stream.(*webSocket)
	if !isWebSocket {
		return false
	}
	one.stopReading.Store(true)
	_ = w.conn.SetReadDeadline(time.Now()) // ends the read that is under way
	<-one.finished
	return w.nag(nagInterval, over)
}
