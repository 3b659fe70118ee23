//go:build unix

package localpg

import (
	"context"
	"path/filepath"
	"time"
)

// restartPause lies between attempts to start a PostgreSQL that died.
const restartPause = time.Second

// supervise starts PostgreSQL again when it dies, until Stop.
func (s *Server) supervise() {
	ctx, cancel := context.WithCancel(context.Background())
	s.endSupervision = cancel
	s.supervision.Go(func() {
		for {
			s.mu.Lock()
			exited := s.running.exited()
			s.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-exited:
			}
			s.opts.Log.Error("the private PostgreSQL died; starting it again", "log", filepath.Join(s.opts.Dir, "postgres.log"))
			for s.restart(ctx) != nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(restartPause):
				}
			}
		}
	})
}

// restart brings PostgreSQL back on the port that its users know, unless
// another of them has done so already.
func (s *Server) restart(ctx context.Context) error {
	err := func() error {
		startLock, err := lockExclusive(ctx, filepath.Join(s.opts.Dir, "start.lock"))
		if err != nil {
			return err
		}
		defer startLock.release()
		running, err := ensureRunning(ctx, s.opts, s.cluster, s.port)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.running = running
		s.mu.Unlock()
		s.opts.Log.Info("the private PostgreSQL is running again", "pid", running.pid)
		return nil
	}()
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Error("the private PostgreSQL doesn't start", "error", err)
	}
	return err
}
