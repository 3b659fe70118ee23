package streams

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/requestlog"
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
