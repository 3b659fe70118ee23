package web

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// readyTimeout is how long the database may take to answer.
const readyTimeout = 2 * time.Second

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
