package feed

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// followPause is how long a follower rests after it has caught up, so that
	// it reads several changes at once.
	followPause = 20 * time.Millisecond

	// pastTimeout bounds the wait for the first look.
	pastTimeout = 5 * time.Second

	followRetryMin = 100 * time.Millisecond
	followRetryMax = time.Second
)

// ErrNotBegun says that the log couldn't be looked at yet.
var ErrNotBegun = errors.New("the audit log couldn't be read yet")

// PassingError is a failure after which it is worth trying again.
type PassingError struct{ Cause error }

func (e *PassingError) Error() string { return e.Cause.Error() }
func (e *PassingError) Unwrap() error { return e.Cause }

// followers are those who want every entry of the log: how many there are, and
// how far they may read. It is safe for concurrent use.
type followers struct {
	mu    sync.Mutex
	count int
	// begun, settled, isSettled and past are the window's.
	begun         bool
	settled, past int64
	isSettled     bool
	// changed is closed when any of these change, and replaced.
	changed chan struct{}
}

func (f *followers) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count > 0
}

func (f *followers) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count += n
}

func (f *followers) tell(w *window) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun == w.begun && f.settled == w.settled && f.isSettled == w.isSettled && f.past == w.past {
		return
	}
	f.begun, f.settled, f.isSettled, f.past = w.begun, w.settled, w.isSettled, w.past
	close(f.changed)
	f.changed = make(chan struct{})
}

// await calls ready with each state until it answers true.
func (f *followers) await(ctx context.Context, ready func(*followers) bool) error {
	for {
		f.mu.Lock()
		isReady, changed := ready(f), f.changed
		f.mu.Unlock()
		if isReady {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Past answers a position of the log such that no entry up to it is still to
// come. There may be others behind it of which that is true as well. The error is
// ErrNotBegun, or that of ctx.
func (f *Feed) Past(ctx context.Context) (int64, error) {
	limited, cancel := context.WithTimeout(ctx, pastTimeout)
	defer cancel()
	var past int64
	err := f.followers.await(limited, func(state *followers) bool {
		past = state.past
		return state.begun
	})
	if err != nil && ctx.Err() == nil {
		err = ErrNotBegun
	}
	return past, err
}

// Follow delivers what next reads, in its order and without a gap, until ctx
// ends; the channel is closed then. Next is called whenever the log is settled
// further, with the position up to which it is, and again until it has nothing
// left: no entry up to there is still to come. It isn't called by two goroutines
// at once.
//
// A *PassingError of next is followed by another try, as long as ctx lives. Any
// other ends the stream, and is what is told by WithFailure.
func Follow[E any](ctx context.Context, f *Feed, next func(ctx context.Context, through int64) ([]E, error)) <-chan *E {
	out := make(chan *E)
	f.followers.add(1)
	f.join()
	go func() {
		defer close(out)
		defer f.followers.add(-1)
		err := follow(ctx, f, next, out)
		if failed, wanted := ctx.Value(failureKey{}).(func(error)); wanted && ctx.Err() == nil {
			failed(err)
		}
	}()
	return out
}

type failureKey struct{}

// WithFailure has what is followed with the context tell why it ends before its
// time. Failed is called at most once, before the channel is closed.
func WithFailure(ctx context.Context, failed func(error)) context.Context {
	return context.WithValue(ctx, failureKey{}, failed)
}

// follow returns what it ended with: there is always something.
func follow[E any](ctx context.Context, f *Feed, next func(ctx context.Context, through int64) ([]E, error), out chan<- *E) error {
	retry := followRetryMin
	for done := int64(-1); ; {
		var through int64
		err := f.followers.await(ctx, func(state *followers) bool {
			through = state.settled
			return state.isSettled && through != done
		})
		if err != nil {
			return err
		}
		err = deliverAll(ctx, through, next, out)
		pause := followPause
		var passing *PassingError
		switch {
		case errors.As(err, &passing):
			pause, retry = retry, min(2*retry, followRetryMax)
		case err != nil:
			return err
		default:
			done, retry = through, followRetryMin
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func deliverAll[E any](ctx context.Context, through int64, next func(ctx context.Context, through int64) ([]E, error), out chan<- *E) error {
	for {
		page, err := next(ctx, through)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if ctx.Err() != nil { // a select would deliver by chance what is ready when ctx has ended
				return ctx.Err()
			}
			select {
			case out <- &page[i]:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
