package streams

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"holdfast/internal/web/wire"
)

// enter has a connection taken in, or answers the request with why it isn't.
func (s *Streams) enter(w http.ResponseWriter, r *http.Request, transport string, c connected) bool {
	refused, reason := s.admit(r.Context(), c)
	if refused != nil {
		s.options.Observer.Refused(reason)
		refused.Answer(w, r)
		return false
	}
	s.options.Observer.Connected(transport)
	return true
}

// admit takes a connection in once it is its turn, or says why it can't be: to
// the client, and to the observer.
func (s *Streams) admit(ctx context.Context, c connected) (refused *wire.Refusal, reason string) {
	if !s.isItsTurn(ctx) {
		return overloaded("more connections than the server can take come at once; try again later"), refusedHurry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return overloaded(shuttingDown), refusedDraining
	case len(s.open) >= s.options.ConnectionsMax:
		return exceeded(wire.Limit{Name: "connections", Max: int64(s.options.ConnectionsMax)},
			"the server has all the connections it may", "HOLDFAST_CONNECTIONS_MAX"), refusedFull
	}
	s.open[c] = true
	s.ended.Add(1)
	return nil, ""
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

// left lets go of a connection that was taken in.
func (s *Streams) left(transport string, c connected) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.options.Observer.Disconnected(transport)
	s.ended.Done()
}

const shuttingDown = "the server is shutting down; connect again"

// overloaded is a refusal for now.
func overloaded(message string) *wire.Refusal {
	return &wire.Refusal{Status: http.StatusServiceUnavailable, Code: wire.CodeOverloaded, Message: message}
}

// exceeded is a refusal for a limit, which the variable is of.
func exceeded(limit wire.Limit, what, variable string) *wire.Refusal {
	return &wire.Refusal{
		Status: http.StatusServiceUnavailable, Code: wire.CodeLimit,
		Message: fmt.Sprintf("%s: %s is %d", what, variable, limit.Max), Limit: &limit,
	}
}
