// Package failures keeps a loop that fails again and again from filling the log
// and from trying at once.
package failures

import (
	"log/slog"
	"time"
)

// Options are what a streak says, and how long it pauses.
type Options struct {
	// Began is logged, as a warning, when the first try fails, and Ended when one
	// succeeds after it.
	Began, Ended string
	// PauseMin is between the first failure and the next try. It doubles with each
	// one that follows, up to PauseMax.
	PauseMin, PauseMax time.Duration
	Log                *slog.Logger
}

// Streak is of tries that fail one after the other. It belongs to the goroutine
// that tries.
type Streak struct {
	options Options
	count   int
	since   time.Time
	pause   time.Duration
	retryAt time.Time
}

// New returns a streak that hasn't begun.
func New(options Options) Streak { return Streak{options: options} }

// Add notes a try that failed.
func (s *Streak) Add(err error) {
	now := time.Now()
	if s.count == 0 {
		s.since, s.pause = now, s.options.PauseMin
		s.options.Log.Warn(s.options.Began, "error", err)
	}
	s.count++
	s.retryAt = now.Add(s.pause)
	s.pause = min(2*s.pause, s.options.PauseMax)
}

// End notes a try that succeeded.
func (s *Streak) End() {
	if s.count > 0 {
		s.options.Log.Info(s.options.Ended, "after", time.Since(s.since).Round(time.Millisecond), "failures", s.count)
	}
	*s = New(s.options)
}

// RetryAt says when to try again, if the last try failed.
func (s *Streak) RetryAt() (at time.Time, failing bool) { return s.retryAt, s.count > 0 }
