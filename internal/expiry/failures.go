package expiry

import (
	"log/slog"
	"time"
)

// failures is a streak of sweeps that failed. It is told of once, and once more
// when it is over.
type failures struct {
	count   int
	since   time.Time
	pause   time.Duration
	retryAt time.Time
}

func (f *failures) add(err error, log *slog.Logger) {
	now := time.Now()
	if f.count == 0 {
		f.since, f.pause = now, retryPauseMin
		log.Warn("overdue holds can't be expired; trying again", "error", err)
	}
	f.count++
	f.retryAt = now.Add(f.pause)
	f.pause = min(2*f.pause, retryPauseMax)
}

func (f *failures) end(log *slog.Logger) {
	if f.count > 0 {
		log.Info("overdue holds expire again", "after", time.Since(f.since).Round(time.Millisecond), "failures", f.count)
	}
	*f = failures{}
}
