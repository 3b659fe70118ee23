// Package database opens PostgreSQL: the one place that knows how the driver
// is set up.
package database

import (
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
)

const (
	// readTimeout is the last of the time limits to strike. A wait that the
	// caller gave a deadline ends there; this one bounds the others.
	readTimeout = 60 * time.Second

	// errorBytesMax is the longest server error that still carries its
	// SQLSTATE: the driver parses an error within one read buffer.
	errorBytesMax = 64 << 10
)

// ErrInvalidURL says that a database URL can't be used. It never carries the
// URL, which may hold a password.
var ErrInvalidURL = errors.New("not a PostgreSQL URL (postgres://user:password@host:port/database?sslmode=disable)")

// Open returns a pool of at most connectionsMax connections to the database
// that url names. It doesn't connect: the first query does. The only error is
// ErrInvalidURL.
func Open(url string, connectionsMax int) (*bun.DB, error) {
	return open(url, connectionsMax, readTimeout)
}

// OpenPatiently is Open for statements that take as long as they take, such as
// to build an index on a large table: only their context ends them.
func OpenPatiently(url string, connectionsMax int) (*bun.DB, error) {
	return open(url, connectionsMax, 0)
}

func open(url string, connectionsMax int, readTimeout time.Duration) (*bun.DB, error) {
	opened, err := pgdriver.NewDriver().OpenConnector(url)
	if err != nil {
		return nil, ErrInvalidURL
	}
	connector, ok := opened.(*pgdriver.Connector)
	if !ok {
		return nil, ErrInvalidURL
	}
	config := connector.Config()
	config.AppName = "holdfast"
	config.ReadTimeout = readTimeout
	config.BufferSize = errorBytesMax
	config.EnableTracing = false
	config.ResetSessionFunc = checkAlive

	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(connectionsMax)
	// The driver's connections cost a process in the server; an idle one is
	// kept, for closing and opening it again costs more.
	pool.SetMaxIdleConns(connectionsMax)
	return bun.NewDB(pool, pgdialect.New()), nil
}
