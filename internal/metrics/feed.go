package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// subscriptionFields are those of the schema.
var subscriptionFields = []string{"availabilityChanged", "reservationChanged", "stockChanges"}

// lagBuckets have the 50 ms that a change may take on its own server, the
// 150 ms on another, and the 2 s within which all have the latest value.
var lagBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2, 5, 30}

// Feed measures what subscribers are told, by the field that they subscribe to.
type Feed struct {
	subscribers       map[string]prometheus.Gauge
	events, coalesced series
	lag, doorbellLag  prometheus.Histogram
}

func newFeed(f factory) *Feed {
	feed := &Feed{
		subscribers: map[string]prometheus.Gauge{},
		events: seriesOf(f.counterVec("events_total",
			"Values sent to subscribers, each counted for each subscriber.", "field"), subscriptionFields...),
		coalesced: seriesOf(f.counterVec("events_coalesced_total",
			"Values that a subscriber was not sent because a newer one came before it had taken them.", "field"), subscriptionFields...),
		lag: f.histogram("feed_lag_seconds",
			"How long after its commit a change was handed to this server's subscribers.", lagBuckets),
		doorbellLag: f.histogram("feed_doorbell_lag_seconds",
			"How long after a commit of another server its doorbell was heard.", lagBuckets),
	}
	subscribers := f.gaugeVec("subscribers", "Subscriptions that are open.", "field")
	for _, field := range subscriptionFields {
		feed.subscribers[field] = subscribers.WithLabelValues(field)
	}
	return feed
}

// Subscribed counts a subscription that begins. The fields are those of the
// schema.
func (f *Feed) Subscribed(field string) { f.subscribers[field].Inc() }

// Unsubscribed counts a subscription that ends.
func (f *Feed) Unsubscribed(field string) { f.subscribers[field].Dec() }

// Sent counts values that were sent to subscribers.
func (f *Feed) Sent(field string, values int) { f.events[field].Add(float64(values)) }

// Coalesced counts values that were overwritten before a subscriber took them.
func (f *Feed) Coalesced(field string, values int) { f.coalesced[field].Add(float64(values)) }

// Lag notes how long after its commit a change was handed to the subscribers.
func (f *Feed) Lag(took time.Duration) { f.lag.Observe(took.Seconds()) }

// DoorbellLag notes how long after a commit elsewhere its doorbell was heard.
func (f *Feed) DoorbellLag(took time.Duration) { f.doorbellLag.Observe(took.Seconds()) }
