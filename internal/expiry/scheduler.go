package expiry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"holdfast/internal/failures"
	"holdfast/internal/inventory"
)

const (
	// lookEvery bounds how long a hold that another server made, and that ends
	// before all that are known, goes unseen.
	lookEvery = time.Second

	// passPause lets deadlines that are close together share a commit. It adds
	// to how late a hold ends.
	passPause = 5 * time.Millisecond

	// lateCommitMax is how long after its deadline a hold may be committed, by
	// another server, and still be found within a second. A command has
	// HOLDFAST_REQUEST_TIMEOUT from its arrival, 35 s unless set otherwise, and
	// its deadline lies behind that by its time to live.
	lateCommitMax = 40 * time.Second

	// batchMax is how many holds one transaction ends. Larger ones are no
	// faster, and keep rivals for the same stock waiting longer.
	batchMax = 500

	retryPauseMin = 100 * time.Millisecond
	retryPauseMax = 5 * time.Second
)

// Sweeper is the part of the repository that the scheduler needs.
type Sweeper interface {
	// Sweep ends holds that are due, with deadlines of from and later, the
	// earliest first, at most limit of them. It waits for no reservation, and
	// is safe to repeat whatever the error. It is called by one goroutine at a
	// time.
	Sweep(ctx context.Context, from time.Time, limit int) (inventory.Swept, error)
}

// Options are what an operator may set.
type Options struct {
	// Interval is how often a pass begins with the earliest deadline there is.
	Interval time.Duration
	Log      *slog.Logger
}

// Scheduler runs the sweeps when they are due.
type Scheduler struct {
	sweeper Sweeper
	options Options

	stopOnce sync.Once
	stopping chan struct{}
	ended    sync.WaitGroup
	// ctx is the sweeps'.
	ctx    context.Context
	cancel context.CancelFunc

	// These belong to the scheduler's goroutine.
	progress progress
	clock    clock
	failures failures.Streak
	passedAt time.Time

	mu sync.Mutex
	// next is the earliest deadline that is known to come; zero if none is.
	next time.Time
	// sooner is signalled when an announcement brings next forward.
	sooner chan struct{}
}

// New returns a scheduler that rests until it is started.
func New(sweeper Sweeper, options Options) *Scheduler {
	s := &Scheduler{
		sweeper:  sweeper,
		options:  options,
		stopping: make(chan struct{}),
		sooner:   make(chan struct{}, 1),
	}
	s.failures = failures.New(failures.Options{
		Began: "overdue holds can't be expired; trying again", Ended: "overdue holds expire again",
		PauseMin: retryPauseMin, PauseMax: retryPauseMax, Log: options.Log,
	})
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start sweeps what is overdue at once, and goes on until Stop.
func (s *Scheduler) Start() { s.ended.Go(s.run) }

// Stop returns when the sweep that is under way, if one is, has come to its
// end. When ctx ends first, it breaks that sweep off and doesn't wait for it;
// what the sweep may have ended isn't announced. It is safe to repeat.
func (s *Scheduler) Stop(ctx context.Context) {
	s.stopOnce.Do(func() { close(s.stopping) })
	defer s.cancel()
	ended := make(chan struct{})
	go func() {
		s.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// Announce tells of changes that are committed. It doesn't block.
func (s *Scheduler) Announce(changes inventory.Changes) {
	var earliest time.Time
	for _, r := range changes.Made {
		if r.Status == inventory.Held {
			earliest = earlier(earliest, *r.ExpiresAt)
		}
	}
	for _, move := range changes.Moved {
		if move.After.Status == inventory.Held {
			earliest = earlier(earliest, *move.After.ExpiresAt)
		}
	}
	if earliest.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := earlier(s.next, earliest); !next.Equal(s.next) {
		s.next = next
		select {
		case s.sooner <- struct{}{}:
		default: // it will look at next anyway
		}
	}
}

func (s *Scheduler) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !s.stopped() {
		select {
		case <-s.stopping:
		case <-s.sooner:
		case <-timer.C:
			s.runOnce()
		}
		timer.Reset(s.rest())
	}
}

// rest is how long until the next pass.
func (s *Scheduler) rest() time.Duration {
	if retryAt, failing := s.failures.RetryAt(); failing {
		return time.Until(retryAt)
	}
	rest := time.Until(s.progress.lookedAt.Add(lookEvery))
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.next.IsZero() {
		rest = min(rest, s.clock.until(s.next))
	}
	return max(rest, time.Until(s.passedAt.Add(passPause)))
}

// runOnce is one pass: it ends what is due, a batch at a time.
func (s *Scheduler) runOnce() {
	// What is announced from here on is kept beside what the pass finds. What
	// was before is committed, so that the pass finds it itself.
	announced := s.takeNext()
	current := s.progress.begin(time.Now(), announced, s.options.Interval)
	for {
		// While there is time, a stop waits for a sweep rather than break it
		// off, which could leave its COMMIT unknown.
		swept, err := s.sweeper.Sweep(s.ctx, current.from, batchMax)
		if s.ctx.Err() != nil {
			return
		}
		if err != nil {
			s.failures.Add(err)
			s.expect(announced)
			break
		}
		s.failures.End()
		s.progress.advance(&current, swept)
		s.clock.set(swept.Now)
		if !swept.Due() {
			s.expect(swept.Next)
			break
		}
		if !swept.More || swept.Ended == 0 || s.stopped() {
			// The next deadline isn't known, but is not earlier than this.
			s.expect(swept.Through)
			break
		}
	}
	s.passedAt = time.Now()
}

func (s *Scheduler) takeNext() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next
	s.next = time.Time{}
	return next
}

func (s *Scheduler) expect(deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = earlier(s.next, deadline)
}

func (s *Scheduler) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}
