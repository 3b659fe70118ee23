package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/requestlog"
	"holdfast/internal/web/live"
	"holdfast/internal/web/streams"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute

	// headerBytesMax bounds a request's line and header, which each connection may
	// have the server keep: a query in a URL fits, and a proxy's cookies.
	headerBytesMax = 64 << 10

	readyTimeout = 2 * time.Second
)

// Server is the HTTP server with its endpoints.
type Server struct {
	http           *http.Server
	requestTimeout time.Duration
	timing         timing
	// door is nil until Serve, which has let in all that it will once served is
	// closed.
	door        atomic.Pointer[door]
	served      chan struct{}
	connections connections
	// opened is nil until Open.
	opened   atomic.Pointer[opened]
	draining atomic.Bool
	// requests is the context of them all.
	requests    context.Context
	endRequests context.CancelFunc
	// streams are the subscribers' connections, which http.Server doesn't know of.
	streams *streams.Streams
}

// Options are what a server is made of.
type Options struct {
	// RequestTimeout is what a request is given that isn't a stream.
	RequestTimeout time.Duration
	// Streams are the subscribers' connections. Nil: ones with no bounds.
	Streams *streams.Streams
	// Metrics answers at /metrics; Home at /, and wherever nothing else does. Nil:
	// nothing is found there.
	Metrics, Home http.Handler
	// Client is whom the log names as a request's client. Nil: who is at the other
	// end of the connection.
	Client func(*http.Request) string
	// Log nil: nothing is logged.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Streams == nil {
		o.Streams = streams.New(streams.Options{})
	}
	if o.Metrics == nil {
		o.Metrics = http.NotFoundHandler()
	}
	if o.Home == nil {
		o.Home = http.NotFoundHandler()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// opened is what a server needs to do its work.
type opened struct {
	graphql http.Handler
	ready   func(context.Context) error
}

// NewServer returns a server that is alive and can be measured, but not ready
// before Open.
func NewServer(options Options) *Server {
	options = options.withDefaults()
	s := &Server{
		requestTimeout: options.RequestTimeout, timing: defaultTiming, served: make(chan struct{}),
		connections: connections{open: map[*connection]struct{}{}}, streams: options.Streams,
	}
	s.requests, s.endRequests = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", s.serveGraphQL)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, s.readiness(r.Context())) })
	mux.Handle("GET /metrics", options.Metrics)
	// The board's address of the endpoint leads from the board's own, so that it
	// works below a prefix too.
	board := live.Handler("graphql")
	mux.Handle("/live", board)
	mux.Handle("/live/", board)
	mux.Handle("/", options.Home)
	logged := requestlog.HTTP{Log: options.Log, Client: options.Client, Routine: routine}
	s.http = &http.Server{
		Handler:           logged.Around(s.partingWhileDraining(s.hurryingBodies(mux))),
		ReadHeaderTimeout: readHeaderTimeout,
		// Streams have limits of their own in its place.
		WriteTimeout:   options.RequestTimeout + s.timing.answer,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: headerBytesMax,
		ConnState:      s.connections.changed,
		BaseContext:    func(net.Listener) context.Context { return s.requests },
	}
	return s
}

// routine are the paths that load balancers and Prometheus ask for.
var routine = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// Open has the server answer GraphQL. Ready says why it can't do its work, if
// it can't.
func (s *Server) Open(graphql http.Handler, ready func(context.Context) error) {
	s.opened.Store(&opened{graphql, ready})
}

// Serve answers what comes to the listener, which is of Listen's kind. It returns
// nil once Drain was called, and before Drain returns. It is called once.
func (s *Server) Serve(listener net.Listener) error {
	defer close(s.served)
	entrance := door{listener}
	s.door.Store(&entrance)
	err := s.http.Serve(entrance)
	if errors.Is(err, http.ErrServerClosed) || s.draining.Load() && errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Drain stops the server gently: readiness fails at once, for a moment more
// requests are answered, then the listener closes, streams end and what is under
// way is finished. What isn't shortly before ctx ends is answered with that, and
// what is left then is broken off, which is an error.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	if end, ends := ctx.Deadline(); ends {
		grace := time.Until(end)
		farewell := time.AfterFunc(grace-min(s.timing.farewell, grace/2), s.endRequests)
		defer farewell.Stop()
	}
	pause(ctx, s.timing.notice)
	s.closeDoor(ctx)
	// Beside each other: what is under way isn't to wait for the slowest client
	// of a stream to go.
	var streams sync.WaitGroup
	streams.Go(func() { s.streams.Drain(ctx) })
	defer streams.Wait()
	return errors.Join(s.connections.drain(ctx, s.timing.hearing), s.http.Close())
}

// closeDoor lets nobody in any more, and returns once all who were are known.
func (s *Server) closeDoor(ctx context.Context) {
	door := s.door.Load()
	if door == nil {
		return
	}
	if door.bar() == nil {
		pause(ctx, s.timing.entering)
	}
	_ = door.Close()
	<-s.served
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

var (
	errStarting = errors.New("starting")
	errDraining = errors.New("shutting down")
	errNotReady = errors.New("the database does not answer, or is not migrated")
)

func (s *Server) readiness(ctx context.Context) error {
	if s.draining.Load() {
		return errDraining
	}
	opened := s.opened.Load()
	if opened == nil {
		return errStarting
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if opened.ready(ctx) != nil {
		return errNotReady
	}
	return nil
}

func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	opened := s.opened.Load()
	if opened == nil {
		answer(w, errStarting)
		return
	}
	if streams.IsWebSocket(r) || streams.IsEventStream(r) {
		opened.graphql.ServeHTTP(w, r)
		return
	}
	// An offer of another protocol, which a server may pass over: curl makes one
	// for HTTP/2.
	r.Header.Del("Upgrade")
	ctx, cancel := context.WithTimeout(r.Context(), s.requestTimeout)
	defer cancel()
	opened.graphql.ServeHTTP(w, r.WithContext(ctx))
}

func answer(w http.ResponseWriter, problem error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if problem != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(problem.Error() + "\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
