package streams

import "holdfast/internal/requestlog"

// Observer is told what happens to subscribers. It must be quick, and safe for
// concurrent use.
type Observer interface {
	// Connected and Disconnected tell of connections, by their transport.
	Connected(transport string)
	Disconnected(transport string)
	// Subscribed and Unsubscribed tell of subscriptions, by their root field.
	Subscribed(field string)
	Unsubscribed(field string)
	// Sent tells of a subscription's event that was written, Coalesced of one
	// that was replaced by a later one before it was.
	Sent(field string)
	Coalesced(field string)
	// Refused tells of a connection that was not let in.
	Refused(reason string)
	// Cut tells of a connection that was broken off because of its client.
	Cut(reason string)
}

// The transports, as the observer is told of them.
const (
	byWebSocket   = "websocket"
	byEventStream = "sse"
)

// Reasons to refuse a connection.
const (
	refusedFull     = "full"
	refusedDraining = "draining"
	refusedHurry    = "hurry"
)

// Reasons to cut a connection.
const cutUnresponsive = "unresponsive"

// observed is an observer of one subscription.
type observed struct {
	observer Observer
	field    string
	// logged is what its line in the log is written from.
	logged *requestlog.Request
}

func (o observed) sent() {
	o.observer.Sent(o.field)
	o.logged.Sent()
}

func (o observed) coalesced() { o.observer.Coalesced(o.field) }

// nobody observes nothing.
type nobody struct{}

func (nobody) Connected(string)    {}
func (nobody) Disconnected(string) {}
func (nobody) Subscribed(string)   {}
func (nobody) Unsubscribed(string) {}
func (nobody) Sent(string)         {}
func (nobody) Coalesced(string)    {}
func (nobody) Refused(string)      {}
func (nobody) Cut(string)          {}
