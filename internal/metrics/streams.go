package metrics

import "github.com/prometheus/client_golang/prometheus"

// transports are how a stream may come, subscriptionFields what it may be of,
// which is those of the schema, refusedReasons why a connection may be refused,
// and cutReasons why it may be cut.
var (
	transports         = []string{"websocket", "sse"}
	subscriptionFields = []string{"availabilityChanged", "reservationChanged", "stockChanges"}
	refusedReasons     = []string{"full", "draining", "hurry"}
	cutReasons         = []string{"unresponsive"}
)

// Streams measures subscribers, what they are sent, and the connections that
// they come by. It implements streams.Observer.
type Streams struct {
	connections, subscribers *prometheus.GaugeVec
	// events and coalesced are looked up beforehand: a crowd is told at once.
	events, coalesced series
	refused, cut      *prometheus.CounterVec
}

func newStreams(f factory) *Streams {
	s := &Streams{
		connections: f.gaugeVec("stream_connections", "WebSocket and SSE connections that are open.", "transport"),
		subscribers: f.gaugeVec("subscribers", "Subscriptions that are open.", "field"),
		events: seriesOf(f.counterVec("events_total",
			"Values sent to subscribers, each counted for each subscriber.", "field"), subscriptionFields...),
		coalesced: seriesOf(f.counterVec("events_coalesced_total",
			"Values that a subscriber was not sent because a newer one came before it had taken them.", "field"), subscriptionFields...),
		refused: f.counterVec("streams_refused_total", "Connections that the server did not let in, by why: it was full, or draining, or too many came at once.", "reason"),
		cut:     f.counterVec("streams_cut_total", "Connections that the server broke off because of their client, by why.", "reason"),
	}
	seriesOf(s.refused, refusedReasons...)
	seriesOf(s.cut, cutReasons...)
	for _, transport := range transports {
		s.connections.WithLabelValues(transport)
	}
	for _, field := range subscriptionFields {
		s.subscribers.WithLabelValues(field)
	}
	return s
}

// Connected counts a connection that begins: of "websocket" or "sse".
func (s *Streams) Connected(transport string) { s.connections.WithLabelValues(transport).Inc() }

// Disconnected counts a connection that ends.
func (s *Streams) Disconnected(transport string) { s.connections.WithLabelValues(transport).Dec() }

// Subscribed counts a subscription that begins. The fields are the schema's.
func (s *Streams) Subscribed(field string) { s.subscribers.WithLabelValues(field).Inc() }

// Unsubscribed counts a subscription that ends.
func (s *Streams) Unsubscribed(field string) { s.subscribers.WithLabelValues(field).Dec() }

// Sent counts a value that was sent to a subscriber.
func (s *Streams) Sent(field string) { s.events[field].Inc() }

// Coalesced counts a value that was overwritten before its subscriber took it.
func (s *Streams) Coalesced(field string) { s.coalesced[field].Inc() }

// Refused counts a connection that was not let in. The reasons are few and
// fixed, for each is a series.
func (s *Streams) Refused(reason string) { s.refused.WithLabelValues(reason).Inc() }

// Cut counts a connection that the server broke off. The reasons are few and
// fixed, for each is a series.
func (s *Streams) Cut(reason string) { s.cut.WithLabelValues(reason).Inc() }
