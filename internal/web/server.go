package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"holdfast/internal/web/playground"
)

const (
	// drainNotice is how long a server that is to stop goes on answering, so
	// that load balancers see /readyz fail and clients leave their connections.
	drainNotice = time.Second

	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute

	// bodyBytesMax bounds a request's body: 100 lines and their metadata fit
	// many times over.
	bodyBytesMax = 1 << 20

	readyTimeout = 2 * time.Second
)

// Server is the HTTP server with its endpoints.
type Server struct {
	http     *http.Server
	draining atomic.Bool
	// endStreams ends the WebSockets, which http.Server doesn't know of.
	endStreams context.CancelFunc
}

// NewServer serves graphql at /graphql and what else there is beside it. A
// request that isn't a stream is given requestTimeout. Ready says why the
// server can't do its work, if it can't.
func NewServer(graphql http.Handler, requestTimeout time.Duration, ready func(context.Context) error) *Server {
	streams, endStreams := context.WithCancel(context.Background())
	s := &Server{endStreams: endStreams}
	mux := http.NewServeMux()
	mux.Handle("/graphql", limited(graphql, requestTimeout))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, s.readiness(r.Context(), ready)) })
	mux.Handle("/", playground.Handler("/graphql"))
	s.http = &http.Server{
		Handler:           s.closingWhileDraining(mux),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return streams },
	}
	return s
}

// Serve answers what comes to the listener. It returns nil once Drain was
// called, and before Drain returns.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Drain stops the server gently: readiness fails at once, for a moment more
// requests are answered, then the listener closes and what is under way is
// finished, or broken off when ctx ends.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	select {
	case <-time.After(drainNotice):
	case <-ctx.Done():
	}
	s.endStreams()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

var errDraining = errors.New("shutting down")

func (s *Server) readiness(ctx context.Context, ready func(context.Context) error) error {
	if s.draining.Load() {
		return errDraining
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if ready(ctx) != nil {
		return errors.New("the database does not answer, or is not migrated")
	}
	return nil
}

func (s *Server) closingWhileDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// limited bounds a request's body and time; a WebSocket has no end of its own.
func limited(next http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, bodyBytesMax)
		next.ServeHTTP(w, r.WithContext(ctx))
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
