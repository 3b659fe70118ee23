package feed_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// patience bounds each wait of a test, so that a hang fails it.
const patience = 30 * time.Second

// server is a repository and a feed, as a process has them.
type server struct {
	*feed.Feed
	t    testing.TB
	repo *repo.Repo
	db   *bun.DB
	// looks has each look that somebody waits for.
	looks chan feed.Look
	// quit ends it; it is also ended at t's end.
	quit func()
}

// newServer starts a server on the database. One that isn't told of its own
// commits has to read of them.
func newServer(t testing.TB, url string, announced bool) *server {
	t.Helper()
	db, err := database.Open(url, 24)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := &server{t: t, db: db, looks: make(chan feed.Look), repo: repo.New(db, repo.Options{
		Limits:   inventory.Limits{HoldTTL: 15 * time.Minute, HoldTTLMax: 24 * time.Hour, LinesMax: 100},
		Strategy: inventory.Pessimistic, OptimisticRetries: 3,
		LockTimeout: 30 * time.Second, RequestTimeout: 35 * time.Second, Log: log,
	})}
	s.Feed = feed.New(s.repo, s.repo, feed.Options{Log: log, Observe: func(look feed.Look) {
		select {
		case s.looks <- look:
		default:
		}
	}})
	if announced {
		s.repo.AnnounceTo(s.Feed)
	}
	s.Start()
	ended := false
	s.quit = func() {
		if ended {
			return
		}
		ended = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Stop(ctx)
		s.repo.Close(ctx)
		require.NoError(t, db.Close())
	}
	t.Cleanup(s.quit)
	return s
}

// newServers starts two servers on a database of their own.
func newServers(t testing.TB) (one, other *server) {
	t.Helper()
	url := pgtest.URL(t)
	return newServer(t, url, true), newServer(t, url, true)
}

func (s *server) do(command inventory.Command) inventory.Outcome {
	s.t.Helper()
	outcome, err := s.repo.Do(s.t.Context(), command, nil)
	require.NoError(s.t, err)
	require.Empty(s.t, outcome.Refused)
	return outcome
}

func (s *server) createSKU(sku string, stock int64) {
	s.t.Helper()
	s.do(inventory.CreateSKU{SKU: sku, Name: sku, InitialStock: &stock})
}

func (s *server) hold(token, sku string) inventory.Reservation {
	s.t.Helper()
	return *s.do(inventory.CreateHold{ClientToken: token, Lines: []inventory.LineRequest{{SKU: sku, Quantity: 1}}}).Reservation
}

func (s *server) execute(statement string, args ...any) {
	s.t.Helper()
	_, err := s.db.ExecContext(s.t.Context(), statement, args...)
	require.NoError(s.t, err)
}

// watch subscribes to the SKUs, and takes the present state.
func (s *server) watch(skus ...string) <-chan *inventory.Availability {
	s.t.Helper()
	values, err := s.Availability(s.t.Context(), skus, nil)
	require.NoError(s.t, err)
	for range skus {
		await(s.t, values)
	}
	return values
}

// stream follows the log until ctx ends.
func (s *server) stream(ctx context.Context, after *string, skus ...string) (<-chan *repo.AuditEdge, error) {
	past, err := s.Past(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := s.repo.Changes(ctx, after, skus, past)
	if err != nil {
		return nil, err
	}
	return feed.Follow(ctx, s.Feed, func(ctx context.Context, through int64) ([]repo.AuditEdge, error) {
		page, err := changes.Next(ctx, through)
		if errors.Is(err, repo.ErrOverloaded) {
			return nil, &feed.PassingError{Cause: err}
		}
		return page, err
	}), nil
}

// followLog follows the log until the test ends.
func (s *server) followLog(after *string, skus ...string) <-chan *repo.AuditEdge {
	s.t.Helper()
	entries, err := s.stream(s.t.Context(), after, skus...)
	require.NoError(s.t, err)
	return entries
}

// awaitLooks waits until the reader has looked so often.
func (s *server) awaitLooks(count int) {
	s.t.Helper()
	for range count {
		select {
		case <-s.looks:
		case <-time.After(patience):
			require.FailNow(s.t, "nobody looks")
		}
	}
}

// cursorOfLast is the cursor of the last entry there is.
func (s *server) cursorOfLast() *string {
	s.t.Helper()
	list, err := s.repo.AuditLog(s.t.Context(), repo.Page{First: 1}, inventory.NewestFirst, nil)
	require.NoError(s.t, err)
	return &list.Cursors[0]
}

// await receives, or fails the test if nothing comes.
func await[T any](t testing.TB, from <-chan *T) *T {
	t.Helper()
	select {
	case value, open := <-from:
		require.True(t, open, "the channel is closed")
		return value
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		return nil
	}
}

// draft is a change of stock by a transaction that has drawn its place in the
// log, and is not committed yet.
type draft struct {
	t  testing.TB
	tx bun.Tx
	id int64
}

// draft takes a unit more of the SKU in.
func (s *server) draft(sku string) draft {
	s.t.Helper()
	tx, err := s.db.BeginTx(context.WithoutCancel(s.t.Context()), nil)
	require.NoError(s.t, err)
	d := draft{t: s.t, tx: tx}
	_, err = tx.Exec("UPDATE stock_levels SET total = total + 1, version = version + 1, updated_at = clock_timestamp() WHERE sku = ?", sku)
	require.NoError(s.t, err)
	require.NoError(s.t, tx.NewRaw(`
		INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta,
			total, reserved, allocated, version, actor, command_id)
		SELECT updated_at, 'ADJUSTED', sku, location, 1, 0, 0, total, reserved, allocated, version, 'default', gen_random_uuid()
		FROM stock_levels WHERE sku = ? RETURNING id`, sku).Scan(s.t.Context(), &d.id))
	return d
}

func (d draft) commit() {
	d.t.Helper()
	require.NoError(d.t, d.tx.Commit())
}

// writing begins a transaction that has nothing to do with ours, but writes.
func (s *server) writing() draft {
	s.t.Helper()
	tx, err := s.db.BeginTx(context.WithoutCancel(s.t.Context()), nil)
	require.NoError(s.t, err)
	_, err = tx.Exec("SELECT pg_current_xact_id()")
	require.NoError(s.t, err)
	return draft{t: s.t, tx: tx}
}
