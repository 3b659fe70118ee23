package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// closed has each of the workers call again as soon as it was answered, for as
// long as there is more to do. Calls are numbered from 0 over all workers. The
// first error stops it.
func closed(ctx context.Context, workers int, more func(i int) bool, do func(ctx context.Context, worker, i int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for worker := range workers {
		group.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if !more(i) {
					return nil
				}
				if err := do(ctx, worker, i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// below is for closed: so many calls.
func below(count int) func(int) bool { return func(i int) bool { return i < count } }

// pace is when calls are due, whoever makes them.
type pace struct {
	begin    time.Time
	rate     float64
	duration time.Duration
}

// calls is how many are due in all.
func (p pace) calls() int { return int(p.rate * p.duration.Seconds()) }

// due is when call i should be made.
func (p pace) due(i int) time.Time {
	return p.begin.Add(time.Duration(float64(i) / p.rate * float64(time.Second)))
}

// paced has the workers make each call when it is due, or as soon after it as
// one of them is free, and tells it when it was due. The first error stops it.
func paced(ctx context.Context, workers int, p pace, do func(ctx context.Context, worker, i int, due time.Time) error) error {
	return closed(ctx, workers, below(p.calls()), func(ctx context.Context, worker, i int) error {
		due := p.due(i)
		if err := sleepUntil(ctx, due); err != nil {
			return err
		}
		return do(ctx, worker, i, due)
	})
}

// sleepUntil returns at the moment, or early with ctx's error.
func sleepUntil(ctx context.Context, moment time.Time) error {
	wait := time.Until(moment)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) error { return sleepUntil(ctx, time.Now().Add(d)) }

// eventually looks every few milliseconds until it is so, at most for as long
// as given, and returns whether it became so.
func eventually(ctx context.Context, patience time.Duration, isSo func() bool) (bool, error) {
	for end := time.Now().Add(patience); ; {
		if isSo() {
			return true, nil
		}
		if time.Now().After(end) {
			return false, nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return false, err
		}
	}
}
