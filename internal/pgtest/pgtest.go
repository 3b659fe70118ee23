package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"holdfast/internal/database"
)

const (
	// connectionsPerPool bounds the pool of Open. A few dozen tests with such
	// pools fit serverConnectionsMax.
	connectionsPerPool = 16

	// patience bounds each step on the server, so that a hung one fails the
	// test that sees it.
	patience = time.Minute
)

// URL returns the URL of a new database for t alone, dropped at t's end
// together with its connections. It fails t if there is none to be had.
func URL(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server, err := sharedServer(ctx)
	if err != nil {
		t.Fatalf("a PostgreSQL for the tests: %v", err)
	}
	name := "holdfast_test_" + strings.ToLower(rand.Text()[:16])
	if err := server.clone(ctx, name); err != nil {
		t.Fatalf("a database for the test: %v", err)
	}
	url := server.databaseURL(name)
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("TEST_DATABASE_KEEP") != "" {
			t.Logf("the test's database is kept: psql '%s'%s", url, server.keep())
			return
		}
		// The test's own context has ended.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return url
}

// Open returns a pool of at most 16 connections to a new database for t
// alone, closed at t's end.
func Open(t testing.TB) *bun.DB {
	t.Helper()
	return open(t, URL(t))
}

func open(t testing.TB, url string) *bun.DB {
	t.Helper()
	db, err := database.Open(url, connectionsPerPool)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test's database: %v", err)
		}
	})
	return db
}

// Main runs a package's tests and then stops the PostgreSQL that they used,
// before the test binary ends:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// Without it PostgreSQL ends a moment later.
func Main(m *testing.M) int {
	code := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := stopSharedServer(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}
