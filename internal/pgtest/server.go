package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"

	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/localpg"
)

// serverConnectionsMax leaves room for a package whose tests all run at once.
const serverConnectionsMax = 300

// server is a PostgreSQL with a migrated template.
type server struct {
	url      *url.URL
	local    *localpg.Server // nil where TEST_DATABASE_URL names the server
	template string
	pid      int // of a local server that is kept
}

var shared struct {
	sync.Mutex
	server *server
	err    error
}

// sharedServer returns the server of this test binary. The first call starts
// it, for the others to wait; if it failed, nobody tries again.
func sharedServer(ctx context.Context) (*server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = newServer(ctx)
	}
	return shared.server, shared.err
}

func stopSharedServer(ctx context.Context) error {
	shared.Lock()
	defer shared.Unlock()
	s := shared.server
	if s == nil || s.local == nil || s.pid != 0 {
		return nil
	}
	return s.local.Remove(ctx)
}

func newServer(ctx context.Context) (_ *server, err error) {
	s := &server{}
	address := os.Getenv("TEST_DATABASE_URL")
	if address == "" {
		dir, err := newDir()
		if err != nil {
			return nil, err
		}
		s.local, err = localpg.Start(ctx, localpg.Options{
			Dir: dir, Temporary: true, Unsafe: true, ConnectionsMax: serverConnectionsMax,
		})
		if err != nil {
			return nil, err
		}
		address = s.local.URL()
	}
	// Not the parser's error: it would show the password.
	if s.url, err = url.Parse(address); err != nil {
		return nil, fmt.Errorf("TEST_DATABASE_URL is %w", database.ErrInvalidURL)
	}
	if s.template, err = s.makeTemplate(ctx); err != nil {
		return nil, fmt.Errorf("make the template: %w", err)
	}
	return s, nil
}

// newDir makes a directory for a PostgreSQL, which runs as another user where
// root runs the tests.
func newDir() (string, error) {
	dir, err := os.MkdirTemp("", "holdfast-test-*")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// databaseURL returns the URL of another database of the server.
func (s *server) databaseURL(name string) string {
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

// withAdmin calls do with a connection to the server. No pool is kept, so
// that no goroutine outlives the call and tests may look for leaked ones.
func (s *server) withAdmin(ctx context.Context, do func(conn bun.Conn) error) error {
	db, err := database.Open(s.url.String(), 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return do(conn)
}

// keep lets a local server live on after the tests, and returns what to tell
// of that.
func (s *server) keep() string {
	if s.local == nil {
		return ""
	}
	shared.Lock()
	defer shared.Unlock()
	if s.pid == 0 {
		s.pid = s.local.Keep()
	}
	return fmt.Sprintf(" (stop its server with: kill -INT %d; then remove %s)", s.pid, s.local.DataDir())
}
