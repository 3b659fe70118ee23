package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
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
	// Streams are the subscribers' connections, for the server to drain. Nil: there
	// are none.
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
	logged := requestlog.HTTP{Log: options.Log, Client: options.Client, Routine: routine}
	s.http = &http.Server{
		Handler:           logged.Around(s.partingWhileDraining(s.hurryingBodies(s.endpoints(options)))),
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

// endpoints leads each path to who answers it.
func (s *Server) endpoints(options Options) http.Handler {
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
	return mux
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
