//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"holdfast/internal/database"
)

// Server is this process's use of a private PostgreSQL.
type Server struct {
	opts    Options
	cluster cluster
	port    int

	mu       sync.Mutex
	running  *process
	use      *fileLock // nil once Stop or Kill is through
	watchdog *watchdog // nil unless Temporary

	endSupervision context.CancelFunc
	supervision    sync.WaitGroup
}

// Start returns when PostgreSQL takes connections on the directory's data:
// the one that runs already, or one that it starts, after making the cluster
// if there is none. The first start takes about a second; a start after a
// crash as long as PostgreSQL needs to repeat its log; a download, where no
// PostgreSQL is installed, as long as that takes. Ending ctx breaks it off
// safely, and has no meaning afterwards.
func Start(ctx context.Context, opts Options) (*Server, error) {
	server, err := start(ctx, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, opts Options) (_ *Server, err error) {
	begin := time.Now()
	if opts.Dir, err = resolveDir(opts.Dir); err != nil {
		return nil, err
	}
	startLock, err := lockExclusive(ctx, filepath.Join(opts.Dir, "start.lock"))
	if err != nil {
		return nil, err
	}
	defer startLock.release()

	s := &Server{opts: opts, endSupervision: func() {}}
	if s.use, err = tryLock(s.usersLock(), syscall.LOCK_SH); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			// ctx may be why: whoever breaks a start off wants nothing left.
			cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err = errors.Join(err, s.leaveLocked(cleanup))
		}
	}()
	if opts.Temporary {
		if s.watchdog, err = startWatchdog(opts.Dir); err != nil {
			return nil, err
		}
	}
	if s.cluster, err = openCluster(ctx, opts); err != nil {
		return nil, err
	}
	if s.running, err = ensureRunning(ctx, opts, s.cluster, 0); err != nil {
		return nil, err
	}
	if s.watchdog != nil {
		if err := s.watchdog.watch(s.running.pid); err != nil {
			return nil, err
		}
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}

	message := "the private PostgreSQL is running"
	if s.running.child == nil {
		message = "the private PostgreSQL was running already"
	}
	opts.Log.Info(message, "version", s.cluster.programs.String(), "data", s.cluster.data(),
		"port", s.port, "pid", s.running.pid, "took", time.Since(begin).Round(time.Millisecond))
	if !opts.Temporary {
		s.supervise()
	}
	return s, nil
}

// resolveDir makes the directory and returns its absolute name without links,
// as the kernel reports it of PostgreSQL.
func resolveDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no directory given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := makePassable(dir); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// prepare reads the port and makes sure of the database.
func (s *Server) prepare(ctx context.Context) error {
	file, err := readPIDFile(s.cluster.data())
	if err != nil {
		return err
	}
	s.port = file.port

	db, err := database.Open(databaseURL(s.cluster.password, s.port, "postgres"), 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var exists bool
	err = db.NewRaw("SELECT EXISTS (SELECT FROM pg_database WHERE datname = ?)", databaseName).Scan(ctx, &exists)
	if err == nil && !exists {
		_, err = db.NewRaw("CREATE DATABASE " + databaseName).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("connect to it at port %d: %w", s.port, err)
	}
	return nil
}

// URL returns the URL of the database, password included, in the form that
// pgdriver and psql take. It is valid until Stop; the port of a later start
// may be another.
func (s *Server) URL() string { return databaseURL(s.cluster.password, s.port, databaseName) }

// DataDir returns PostgreSQL's data directory, which isn't in Dir if the
// account that PostgreSQL runs as can't get there.
func (s *Server) DataDir() string { return s.cluster.data() }

// Stop ends this process's use of PostgreSQL. If no other process uses it,
// PostgreSQL is shut down, which breaks off what connections still do, and
// Stop returns when it is down. If ctx ends before, the shutdown goes on by
// itself. A second call does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.endSupervision()
	s.supervision.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.use == nil {
		return nil
	}
	startLock, err := lockExclusive(ctx, filepath.Join(s.opts.Dir, "start.lock"))
	if err != nil {
		return fmt.Errorf("stop the private PostgreSQL: %w", err)
	}
	defer startLock.release()
	if err := s.leaveLocked(ctx); err != nil {
		return fmt.Errorf("stop the private PostgreSQL: %w", err)
	}
	return nil
}

// leaveLocked gives the use up, and shuts PostgreSQL down if it was the last.
// The caller holds the start lock too.
func (s *Server) leaveLocked(ctx context.Context) error {
	s.use.release()
	s.use = nil
	defer s.dismissWatchdogLocked()
	if s.running == nil {
		return nil
	}
	last, err := tryLock(s.usersLock(), syscall.LOCK_EX)
	if errors.Is(err, errLocked) {
		s.opts.Log.Info("the private PostgreSQL goes on, for another process uses it", "pid", s.running.pid)
		return nil
	}
	if err != nil {
		return err
	}
	defer last.release()
	// SIGINT is PostgreSQL's fast shutdown: it doesn't wait for clients, and
	// leaves nothing to recover.
	if err := s.running.stop(ctx, syscall.SIGINT); err != nil {
		return fmt.Errorf("process %d: %w", s.running.pid, err)
	}
	s.opts.Log.Info("the private PostgreSQL is stopped")
	return nil
}

// Kill ends PostgreSQL as a crash would, with SIGKILL, for tests of
// durability. Another Start on the directory recovers.
func (s *Server) Kill(ctx context.Context) error {
	s.endSupervision()
	s.supervision.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.use == nil {
		return errors.New("the private PostgreSQL is not in use")
	}
	err := s.running.stop(ctx, syscall.SIGKILL)
	s.use.release()
	s.use = nil
	s.dismissWatchdogLocked()
	return err
}

// Keep lets a temporary PostgreSQL live on after this process, with its
// directory, and returns its process id. Sending that SIGINT stops it.
func (s *Server) Keep() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismissWatchdogLocked()
	return s.running.pid
}

// Remove stops PostgreSQL and removes the directory with all data. It refuses
// while another process uses them.
func (s *Server) Remove(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	if isAlive(s.running.pid) {
		return fmt.Errorf("remove %s: PostgreSQL is in use by another process", s.opts.Dir)
	}
	return errors.Join(os.RemoveAll(s.cluster.dir), os.RemoveAll(s.opts.Dir))
}

func (s *Server) dismissWatchdogLocked() {
	if s.watchdog != nil {
		s.watchdog.dismiss()
		s.watchdog = nil
	}
}

func (s *Server) usersLock() string { return filepath.Join(s.opts.Dir, "users.lock") }
