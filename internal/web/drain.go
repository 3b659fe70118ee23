package web

import (
	"context"
	"errors"
	"sync"
	"time"
)

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
	var parted sync.WaitGroup
	parted.Go(func() { s.streams.Drain(ctx) })
	defer parted.Wait()
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
