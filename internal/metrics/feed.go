package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagBuckets have the 50 ms that a change may take on its own server, the
// 150 ms on another, and the 2 s within which all have the latest value.
var lagBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2, 5, 30}

// Feed measures how late the feed learns what other servers commit.
type Feed struct {
	lag, doorbellLag prometheus.Histogram
}

func newFeed(f factory) *Feed {
	return &Feed{
		lag: f.histogram("feed_lag_seconds",
			"How long before they were read for this server's subscribers to the latest value the oldest of the new audit entries had happened, for each time that there were any.", lagBuckets),
		doorbellLag: f.histogram("feed_doorbell_lag_seconds",
			"How long after it was due a look at the end of the audit log was answered, for each: the doorbell of what other servers commit.", lagBuckets),
	}
}

// Looked notes a look at the log: how late it was answered, how many entries
// were new, and how long before the oldest of them had happened.
func (f *Feed) Looked(late time.Duration, entries int, lag time.Duration) {
	f.doorbellLag.Observe(late.Seconds())
	if entries > 0 {
		f.lag.Observe(lag.Seconds())
	}
}
