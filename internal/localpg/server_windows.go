package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// Server is this process's private PostgreSQL. On Windows it is always the
// embedded one and belongs to the process that started it: a second Start on
// the directory fails, and nothing is restarted. Options.Temporary isn't
// supported.
type Server struct {
	opts     Options
	embedded *embeddedpostgres.EmbeddedPostgres
	port     int
	password string
	stopped  bool
}

// Start returns when PostgreSQL takes connections.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Temporary {
		return nil, errors.New("private PostgreSQL: temporary ones are not supported on Windows: set TEST_DATABASE_URL")
	}
	opts = opts.withDefaults()
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	opts.Dir = dir
	s := &Server{opts: opts}
	if s.password, err = readOrMakePassword(dir); err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	if s.port, err = choosePort(dir); err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	parameters := make(map[string]string)
	for _, setting := range settings(opts, s.port) {
		name, value, _ := strings.Cut(setting, "=")
		parameters[name] = value
	}
	delete(parameters, "port") // the library says it itself
	s.embedded = embeddedpostgres.NewDatabase(embeddedConfig(opts).
		RuntimePath(filepath.Join(dir, "runtime")).
		DataPath(s.DataDir()).
		Port(uint32(s.port)).
		Username(superuser).
		Password(s.password).
		Database(databaseName).
		Encoding("UTF8").
		Locale("C").
		StartParameters(parameters))
	if err := withinDownloadTimeout(ctx, s.embedded.Start); err != nil {
		return nil, fmt.Errorf("private PostgreSQL: it didn't start (%w): %s", err, howToInstall)
	}
	return s, nil
}

// URL returns the URL of the database, password included.
func (s *Server) URL() string { return databaseURL(s.password, s.port, databaseName) }

// DataDir returns PostgreSQL's data directory.
func (s *Server) DataDir() string { return filepath.Join(s.opts.Dir, "data") }

// Stop shuts PostgreSQL down. A second call does nothing.
func (s *Server) Stop(context.Context) error {
	if s.stopped {
		return nil
	}
	s.stopped = true
	return s.embedded.Stop()
}

// Kill isn't supported on Windows.
func (s *Server) Kill(context.Context) error { return errors.ErrUnsupported }

// Keep isn't supported on Windows, nor are the temporary ones it is for.
func (s *Server) Keep() int { return 0 }

// Remove stops PostgreSQL and removes the directory with all data.
func (s *Server) Remove(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return os.RemoveAll(s.opts.Dir)
}

func readOrMakePassword(dir string) (string, error) {
	name := filepath.Join(dir, "password")
	if content, err := os.ReadFile(name); err == nil && len(content) > 0 {
		return string(content), nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	password := newPassword()
	return password, os.WriteFile(name, []byte(password), 0o600)
}
