package pgtest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/uptrace/bun"

	"holdfast/internal/localpg"
)

// Cluster is a durable PostgreSQL of a test's own, which the test may kill.
// TEST_DATABASE_URL has no say here.
type Cluster struct {
	t     testing.TB
	opts  localpg.Options
	local *localpg.Server
	url   string
}

// NewCluster starts a cluster with one migrated database. It is removed at
// t's end. This takes about two seconds.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, opts: localpg.Options{
		Temporary:      true,
		ConnectionsMax: serverConnectionsMax,
		Log:            slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	if c.opts.Dir, err = newDir(); err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	if c.local, err = localpg.Start(ctx, c.opts); err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	c.url = c.local.URL()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := c.local.Remove(ctx); err != nil {
			t.Errorf("remove the cluster: %v", err)
		}
	})
	if err := migrate(ctx, c.url); err != nil {
		t.Fatalf("migrate the cluster's database: %v", err)
	}
	return c
}

// URL returns the URL of the cluster's database. It stays the same over
// restarts.
func (c *Cluster) URL() string { return c.url }

// Open returns a pool of at most 16 connections to the cluster's database,
// closed at the test's end.
func (c *Cluster) Open() *bun.DB { return open(c.t, c.url) }

// Kill9 ends PostgreSQL by SIGKILL, as a crash would. Its sessions end as they
// notice.
func (c *Cluster) Kill9() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.local.Kill(ctx); err != nil {
		c.t.Fatalf("kill the cluster: %v", err)
	}
}

// Stop shuts PostgreSQL down in good order, ending its sessions.
func (c *Cluster) Stop() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.local.Stop(ctx); err != nil {
		c.t.Fatalf("stop the cluster: %v", err)
	}
}

// Start starts PostgreSQL again after Kill9 or Stop, and returns when it takes
// connections.
func (c *Cluster) Start() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	local, err := localpg.Start(ctx, c.opts)
	if err != nil {
		c.t.Fatalf("start the cluster again: %v", err)
	}
	c.local = local
	if local.URL() != c.url {
		c.t.Fatal("start the cluster again: another process has taken its port")
	}
}
