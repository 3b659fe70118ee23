package streams

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/requestlog"
	"holdfast/internal/web/wire"
)

// Options are what an operator may set, and what the transports are told by.
type Options struct {
	// SubscriptionsMax bounds the operations that one WebSocket has open.
	SubscriptionsMax int
	// WatchedSKUsMax bounds the SKUs that the subscriptions of one WebSocket name
	// together: what is kept for each SKU is what a subscription takes.
	WatchedSKUsMax int
	// ConnectionsMax bounds WebSockets and event streams together.
	ConnectionsMax int
	// RequestTimeout bounds a query or mutation over a WebSocket.
	RequestTimeout time.Duration
	// MessageBytesMax bounds what a client sends in one message.
	MessageBytesMax int64
	// Observer is told what happens; nil: nobody is.
	Observer Observer
	// Log gets a line for each operation over a WebSocket, once it has ended; nil:
	// none is written.
	Log *slog.Logger
}

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

const shuttingDown = "the server is shutting down; connect again"

// Reasons to refuse a connection.
const (
	refusedFull     = "full"
	refusedDraining = "draining"
	refusedHurry    = "hurry"
)

// Connections that come all at once, as after a restart, begin one after the
// other. What they leave behind makes the collector run, so that more of them a
// second would slow down requests beside them, though processors were free.
const (
	beginningsPerProcessor = 500
	beginningsBurst        = 16
)

// Reasons to cut a connection.
const cutUnresponsive = "unresponsive"

// The transports' names.
const (
	byWebSocket   = "websocket"
	byEventStream = "sse"
)

// Streams are the transports of subscriptions, with what they share.
type Streams struct {
	options Options
	timing  timing
	sharing sharing
	pace    *pace

	mu       sync.Mutex
	open     map[connected]bool
	draining bool
	// closing is closed once it is draining.
	closing chan struct{}
	ended   sync.WaitGroup
}

// connected is a client's connection.
type connected interface {
	// depart says goodbye and closes; it doesn't wait.
	depart()
	// breakOff closes at once.
	breakOff()
}

// New returns the transports without clients.
func New(options Options) *Streams {
	if options.Observer == nil {
		options.Observer = nobody{}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Streams{
		options: options,
		timing:  defaultTiming,
		sharing: sharing{sources: map[string]*source{}},
		pace:    newPace(beginningsPerProcessor, beginningsBurst),
		open:    map[connected]bool{},
		closing: make(chan struct{}),
	}
}

// Transports are those to add to a GraphQL server, before its others.
func (s *Streams) Transports() []graphql.Transport {
	return []graphql.Transport{webSockets{s}, eventStreams{s}}
}

// enter admits a connection, once it is its turn, or answers the request with
// why it can't be.
func (s *Streams) enter(w http.ResponseWriter, r *http.Request, transport string, c connected) bool {
	if !s.isItsTurn(r.Context()) {
		s.options.Observer.Refused(refusedHurry)
		refuse(w, r, refusal("OVERLOADED", "more connections than the server can take come at once; try again later"))
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		s.options.Observer.Refused(refusedDraining)
		refuse(w, r, refusal("OVERLOADED", shuttingDown))
		return false
	case len(s.open) >= s.options.ConnectionsMax:
		s.options.Observer.Refused(refusedFull)
		refuse(w, r, exceeded(wire.Limit{Name: "connections", Max: int64(s.options.ConnectionsMax)}, "the server has all the connections it may", "HOLDFAST_CONNECTIONS_MAX"))
		return false
	}
	s.open[c] = true
	s.ended.Add(1)
	s.options.Observer.Connected(transport)
	return true
}

// isItsTurn returns once a connection may begin, or false where that would be too
// late, or the client has gone.
func (s *Streams) isItsTurn(ctx context.Context) bool {
	wait, taken := s.pace.take(time.Now(), s.timing.turn)
	if wait == 0 || !taken {
		return taken
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-turn.C:
		return true
	case <-s.closing: // which it is to be told
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Streams) left(transport string, c connected) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.options.Observer.Disconnected(transport)
	s.ended.Done()
}

// Drain lets no more connections in, closes those there are over a moment, and
// returns when all have gone. When ctx ends first, it breaks the rest off.
func (s *Streams) Drain(ctx context.Context) {
	s.mu.Lock()
	if !s.draining {
		close(s.closing)
	}
	s.draining = true
	for c := range s.open {
		time.AfterFunc(rand.N(s.timing.drainSpread), c.depart)
	}
	s.mu.Unlock()

	gone := make(chan struct{})
	go func() {
		s.ended.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.open {
			c.breakOff()
		}
		s.mu.Unlock()
		<-gone
	}
}

// answer prepares to have the request answered into the outbox. Begin starts
// that, and stop has nothing more delivered; both return at once. Ctx is the
// connection's.
func (s *Streams) answer(ctx context.Context, r request, out *outbox) (begin, stop func()) {
	field := r.field()
	out.tell.observer = nobody{}
	if r.isSubscription() {
		out.tell = observed{s.options.Observer, field, requestlog.From(r.ctx)}
	}
	if r.isSubscription() && latestValue[field] {
		one := &subscriber{request: r, out: out}
		return s.counted(field, func() { s.sharing.join(one) }, func() { s.sharing.leave(one) })
	}
	alone := &solo{request: r, out: out}
	ctx, cancel := context.WithCancel(ctx)
	stop = func() {
		cancel()
		out.leave()
	}
	if r.isSubscription() {
		return s.counted(field, func() { go alone.run(ctx) }, stop)
	}
	return func() {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, s.options.RequestTimeout)
			defer cancel()
			alone.run(ctx)
		}()
	}, stop
}

// counted counts a subscription from its begin to its stop.
func (s *Streams) counted(field string, begin, stop func()) (func(), func()) {
	var once sync.Once
	return func() {
			s.options.Observer.Subscribed(field)
			begin()
		}, func() {
			once.Do(func() {
				s.options.Observer.Unsubscribed(field)
				stop()
			})
		}
}

func refuse(w http.ResponseWriter, r *http.Request, response *graphql.Response) {
	wire.NoteErrors(r.Context(), response)
	w.Header().Set("Content-Type", "application/graphql-response+json; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = wire.Encode(response).WriteTo(w)
}

func refusal(code, message string) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{{Message: message, Extensions: map[string]any{"code": code}}}}
}

// exceeded is a refusal for a limit, which the variable is of.
func exceeded(limit wire.Limit, what, variable string) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{limit.Exceeded(fmt.Sprintf("%s: %s is %d", what, variable, limit.Max))}}
}

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
