package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/web/live"
	"holdfast/internal/web/streams"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute

	// BodyBytesMax bounds a request's body, and a message over a WebSocket: 100
	// lines and their metadata fit many times over.
	BodyBytesMax = 1 << 20

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
	// listener is nil until Serve.
	listener atomic.Pointer[net.Listener]
	// opened is nil until Open.
	opened   atomic.Pointer[opened]
	draining atomic.Bool
	// streams are the subscribers' connections, which http.Server doesn't know of.
	streams *streams.Streams
}

// opened is what a server needs to do its work.
type opened struct {
	graphql http.Handler
	ready   func(context.Context) error
}

// NewServer returns a server that is alive and can be measured, but not ready
// before Open. A request that isn't a stream is given requestTimeout. Home
// answers at /, and wherever nothing else does.
func NewServer(requestTimeout time.Duration, streams *streams.Streams, metrics, home http.Handler) *Server {
	s := &Server{requestTimeout: requestTimeout, timing: defaultTiming, streams: streams}
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", s.serveGraphQL)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, s.readiness(r.Context())) })
	mux.Handle("GET /metrics", metrics)
	// The board's address of the endpoint leads from the board's own, so that it
	// works below a prefix too.
	board := live.Handler("graphql")
	mux.Handle("/live", board)
	mux.Handle("/live/", board)
	mux.Handle("/", home)
	s.http = &http.Server{
		Handler:           s.closingWhileDraining(s.hurryingBodies(mux)),
		ReadHeaderTimeout: readHeaderTimeout,
		// Streams have limits of their own in its place.
		WriteTimeout:   requestTimeout + s.timing.answer,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: headerBytesMax,
	}
	return s
}

// Open has the server answer GraphQL. Ready says why it can't do its work, if
// it can't.
func (s *Server) Open(graphql http.Handler, ready func(context.Context) error) {
	s.opened.Store(&opened{graphql, ready})
}

// Serve answers what comes to the listener. It returns nil once Drain was
// called, and before Drain returns.
func (s *Server) Serve(listener net.Listener) error {
	s.listener.Store(&listener)
	err := s.http.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) || s.draining.Load() && errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Drain stops the server gently: readiness fails at once, for a moment more
// requests are answered, then the listener closes, streams end and what is under
// way is finished, or broken off when ctx ends.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	pause(ctx, s.timing.notice)
	if listener := s.listener.Load(); listener != nil {
		_ = (*listener).Close()
	}
	// Beside each other: what is under way isn't to wait for the slowest client
	// of a stream to go.
	var streams sync.WaitGroup
	streams.Go(func() { s.streams.Drain(ctx) })
	defer streams.Wait()
	pause(ctx, s.timing.hearing) // Shutdown hangs up on requests that it meets unread
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
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

func (s *Server) closingWhileDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
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
