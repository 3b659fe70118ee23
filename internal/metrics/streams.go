package metrics

import "github.com/prometheus/client_golang/prometheus"

// transports are how a stream may come.
var transports = []string{"websocket", "sse"}

// Streams measures the connections that subscriptions come by.
type Streams struct {
	connections map[string]prometheus.Gauge
	cut         *prometheus.CounterVec
}

func newStreams(f factory) *Streams {
	s := &Streams{
		connections: map[string]prometheus.Gauge{},
		cut:         f.counterVec("streams_cut_total", "Connections that the server broke off, by why.", "reason"),
	}
	connections := f.gaugeVec("stream_connections", "WebSocket and SSE connections that are open.", "transport")
	for _, transport := range transports {
		s.connections[transport] = connections.WithLabelValues(transport)
	}
	return s
}

// Connected counts a connection that begins: of "websocket" or "sse".
func (s *Streams) Connected(transport string) { s.connections[transport].Inc() }

// Disconnected counts a connection that ends.
func (s *Streams) Disconnected(transport string) { s.connections[transport].Dec() }

// Cut counts a connection that the server broke off. The reasons are few and
// fixed, for each is a series.
func (s *Streams) Cut(reason string) { s.cut.WithLabelValues(reason).Inc() }
