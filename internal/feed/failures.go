package feed

import (
	"log/slog"
	"time"
)

// failures is a streak of looks that failed. It is told of once, and once more
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
		log.Warn("what other servers changed can't be read; trying again", "error", err)
	}
	f.count++
	f.retryAt = now.Add(f.pause)
	f.pause = min(2*f.pause, retryPauseMax)
}

func (f *failures) end(log *slog.Logger) {
	if f.count > 0 {
		log.Info("what other servers change is read again", "after", time.Since(f.since).Round(time.Millisecond), "failures", f.count)
	}
	*f = failures{}
}
