package repo

import (
	"log/slog"
	"sync"
	"time"

	"holdfast/internal/requestlog"
)

// outage is a time in which groups can't reach the database. It is told of
// once, and once more when it is over. It is safe for concurrent use.
type outage struct {
	mu    sync.Mutex
	since time.Time
}

func (o *outage) began(err error, log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = time.Now()
		log.Warn("the database can't be reached; commands wait for it", "error", err)
	}
}

func (o *outage) ended(log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		log.Info("the database answers again", "after", time.Since(o.since).Round(time.Millisecond))
		o.since = time.Time{}
	}
}

// logPanic is deferred by a group, of which each caller is told that there was a
// panic, and none where.
func (r *Repo) logPanic() {
	if value := recover(); value != nil {
		r.options.Log.Error("a group panicked", requestlog.Panic(value))
		panic(value)
	}
}
