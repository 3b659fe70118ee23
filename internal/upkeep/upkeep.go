// Package upkeep runs a chore of the house at an interval, in the background.
package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// retryPause is how long after a failure the chore is tried again, where the
// interval is longer.
const retryPause = time.Minute

// Chore is what is to be done. One pass follows the other, never two at once.
// A stop ends ctx in the middle of a pass, so it must be safe to break off, and
// to repeat.
type Chore func(ctx context.Context) error

// Loop runs one chore.
type Loop struct {
	name     string
	interval time.Duration
	chore    Chore
	log      *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// New returns a loop that rests until it is started. The name is for the log.
func New(name string, interval time.Duration, chore Chore, log *slog.Logger) *Loop {
	l := &Loop{name: name, interval: interval, chore: chore, log: log}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Start begins the first pass at once, and each other an interval after the one
// before began. A chore that several servers share sees for itself whether
// another did it meanwhile.
func (l *Loop) Start() { l.ended.Go(l.run) }

// Stop breaks off the pass that is under way and returns when it has ended, or
// when ctx does. It is safe to repeat, and without a start.
func (l *Loop) Stop(ctx context.Context) {
	l.cancel()
	ended := make(chan struct{})
	go func() {
		l.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (l *Loop) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for l.ctx.Err() == nil { // a timer may have run out with it
		select {
		case <-l.ctx.Done():
		case <-timer.C:
			began := time.Now()
			timer.Reset(time.Until(began.Add(l.runOnce())))
		}
	}
}

// runOnce is one pass. It returns how long after its beginning the next is due.
func (l *Loop) runOnce() time.Duration {
	err := l.chore(l.ctx)
	if err == nil || l.ctx.Err() != nil {
		return l.interval
	}
	l.log.Warn(l.name+" failed; it is tried again", "error", err)
	return min(l.interval, retryPause)
}
