package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagBuckets have the 50 ms that a change may take on its own server, the
// 150 ms on another, and the 2 s within which all have the latest value.
var lagBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2, 5, 30}

// Feed measures how late the feed is with what other servers commit.
type Feed struct {
	lag, doorbellLag prometheus.Histogram
}

func newFeed(f factory) *Feed {
	return &Feed{
		lag: f.histogram("feed_lag_seconds",
			"How long after its commit a change was handed to this server's subscribers.", lagBuckets),
		doorbellLag: f.histogram("feed_doorbell_lag_seconds",
			"How long after a commit of another server its doorbell was heard.", lagBuckets),
	}
}

// Lag notes how long after its commit a change was handed to the subscribers.
func (f *Feed) Lag(took time.Duration) { f.lag.Observe(took.Seconds()) }

// DoorbellLag notes how long after a commit elsewhere its doorbell was heard.
func (f *Feed) DoorbellLag(took time.Duration) { f.doorbellLag.Observe(took.Seconds()) }
