package groupcommit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Lane commits commands in groups, one group at a time. Its methods are safe
// for concurrent use.
type Lane[C, R any] struct {
	flush   Flush[C, R]
	options Options[C]

	ctx    context.Context // the flush's
	cancel context.CancelCauseFunc

	// wake holds at most one signal: something changed, look again.
	wake  chan struct{}
	ended chan struct{} // closed when the lane's goroutines have returned
	calls sync.Pool     // of *call[C, R] that nobody refers to

	// The lane's goroutine alone uses these; they are kept between groups for
	// their memory.
	group    []*call[C, R]
	commands []C

	aloneRuns sync.WaitGroup

	mu       sync.Mutex
	arrivals uint64
	queue    queue[C, R]
	aside    queue[C, R] // calls that wait for a place to run alone
	alone    int         // calls that run alone
	stopping bool        // no new commands
	stopped  bool        // nothing that waits will run any more
}

// New returns a running lane. Stop ends it.
func New[C, R any](flush Flush[C, R], options Options[C]) *Lane[C, R] {
	l := &Lane[C, R]{
		flush:   flush,
		options: options.withDefaults(),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.calls.New = func() any {
		return &call[C, R]{done: make(chan struct{}, 1)}
	}
	go l.run()
	return l
}

// Do has the command carried out in a group and returns its own answer. Beside
// the flush's errors it returns ErrOverloaded, ErrStopped, ErrNotStarted,
// ErrUnknown or a *PanicError. Do returns as soon as ctx ends; that never
// disturbs the group.
func (l *Lane[C, R]) Do(ctx context.Context, command C) (R, error) {
	var none R
	if ctx.Err() != nil {
		return none, gaveUp(ctx, ErrNotStarted)
	}
	c := l.calls.Get().(*call[C, R])
	c.command = command
	c.weight = l.options.weigh(command)
	c.arrived = time.Now()
	if err := l.enqueue(c); err != nil {
		l.recycle(c)
		return none, err
	}

	if ended := ctx.Done(); ended == nil {
		<-c.done
	} else {
		select {
		case <-c.done:
		case <-ended:
			if err := l.leave(ctx, c); err != nil {
				return none, err
			}
		}
	}
	result, err := c.result, c.err
	l.recycle(c)
	return result, err
}

func (l *Lane[C, R]) enqueue(c *call[C, R]) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return ErrStopped
	}
	if !l.queue.hasRoom(c.weight, l.options.QueueMax, l.options.QueueWeightMax) {
		return ErrOverloaded
	}
	l.arrivals++
	c.arrival = l.arrivals
	c.state = waiting
	l.queue.pushBack(c)
	l.signal()
	return nil
}

// leave takes a call away whose context has ended. Nil: the answer came first,
// and c holds it.
func (l *Lane[C, R]) leave(ctx context.Context, c *call[C, R]) error {
	l.mu.Lock()
	switch c.state {
	case waiting:
		l.queue.remove(c)
	case setAside:
		l.aside.remove(c)
	case underWay:
		c.state = abandoned
		l.mu.Unlock()
		return gaveUp(ctx, ErrUnknown)
	default:
		l.mu.Unlock()
		<-c.done
		return nil
	}
	l.signal() // a lane that is stopping may have waited for this call
	l.mu.Unlock()
	l.recycle(c)
	return gaveUp(ctx, ErrNotStarted)
}

// recycle keeps a call for the next Do. Nothing else may refer to it.
func (l *Lane[C, R]) recycle(c *call[C, R]) {
	*c = call[C, R]{done: c.done}
	l.calls.Put(c)
}

// Queued is how many commands wait for a group, or for a place to run alone.
func (l *Lane[C, R]) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.length + l.aside.length
}

func (l *Lane[C, R]) signal() {
	select {
	case l.wake <- struct{}{}:
	default: // one is there already
	}
}

// Stop refuses new commands with ErrStopped, carries out those it has, and
// returns nil when the lane's goroutines have returned. If ctx ends first, what
// still waits is answered ErrStopped, the flush's context is cancelled, and Stop
// returns an error that wraps ctx's cause without waiting for the flush. It may
// be called again, to go on waiting.
func (l *Lane[C, R]) Stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopping = true
	l.signal()
	l.mu.Unlock()

	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
	}
	l.abort()
	return fmt.Errorf("stop: %w", context.Cause(ctx))
}

// abort answers what waits and hurries what is under way.
func (l *Lane[C, R]) abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for _, q := range []*queue[C, R]{&l.queue, &l.aside} {
		for c := q.front; c != nil; c = q.front {
			q.remove(c)
			c.state, c.err = answered, ErrStopped
			c.done <- struct{}{}
		}
	}
	l.cancel(ErrStopped)
	l.signal()
}
