package repo_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

var fromTheBeginning time.Time

// sweepWorld is several servers that sweep one database.
type sweepWorld struct {
	t *testing.T
	// db is the test's own.
	db      *bun.DB
	servers []*sweepServer
}

type sweepServer struct {
	*repo.Repo
	*repo.Sweeper
	db  *bun.DB
	log bytes.Buffer
	// queries is how many messages were sent.
	queries atomic.Int64

	mu sync.Mutex
	// announced are the ids of the holds that were announced as expired.
	announced []string
}

func newSweepWorld(t *testing.T, servers int) *sweepWorld {
	t.Helper()
	url := pgtest.URL(t)
	w := &sweepWorld{t: t, db: openPool(t, url)}
	// A deadlock is noticed before a lock's time-out can hide it.
	execute(t, w.db, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''50ms''', current_database()); END $$`)
	for range servers {
		s := &sweepServer{}
		s.db = openPool(t, url).WithQueryHook(s)
		s.Repo = newRepo(t, s.db, func(options *repo.Options) {
			options.LockTimeout = 300 * time.Millisecond
			options.Log = slog.New(slog.NewTextHandler(&s.log, nil))
		})
		s.AnnounceTo(s)
		s.Sweeper = repo.NewSweeper(s.Repo)
		w.servers = append(w.servers, s)
	}
	return w
}

// Announce implements repo.Announcer.
func (s *sweepServer) Announce(changes inventory.Changes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, move := range changes.Moved {
		if move.After.Status == inventory.Expired {
			s.announced = append(s.announced, move.After.ID)
		}
	}
}

// BeforeQuery implements bun.QueryHook.
func (s *sweepServer) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	s.queries.Add(1)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (s *sweepServer) AfterQuery(context.Context, *bun.QueryEvent) {}

func (w *sweepWorld) createSKU(sku string, stock int64) {
	w.t.Helper()
	createSKU(w.t, w.servers[0].Repo, sku, stock)
}

// hold makes holds of one unit of each SKU, and returns their ids.
func (w *sweepWorld) hold(holds int, skus ...string) []string {
	w.t.Helper()
	var lines []inventory.LineRequest
	for _, sku := range skus {
		lines = append(lines, line(sku, 1))
	}
	ids := make([]string, holds)
	var callers sync.WaitGroup
	for i := range ids {
		callers.Go(func() {
			outcome, err := w.servers[0].Do(w.t.Context(), inventory.CreateHold{ClientToken: crand.Text(), Lines: lines}, nil)
			if assert.NoError(w.t, err) && assert.Empty(w.t, outcome.Refused) {
				ids[i] = outcome.Reservation.ID
			}
		})
	}
	callers.Wait()
	require.False(w.t, w.t.Failed())
	return ids
}

// due moves the deadlines of all holds: the first to start from now, each other
// a step behind the one before.
func (w *sweepWorld) due(start, step time.Duration) {
	w.t.Helper()
	execute(w.t, w.db, `UPDATE reservations AS r SET expires_at = c.now + (? + n * ?) * interval '1 microsecond'
		FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM reservations WHERE status = 'HELD') AS h,
			(SELECT clock_timestamp() AS now) AS c
		WHERE r.id = h.id`, start.Microseconds(), step.Microseconds())
}

func (w *sweepWorld) sweep(from time.Time, limit int) inventory.Swept {
	w.t.Helper()
	swept, err := w.servers[0].Sweep(w.t.Context(), from, limit)
	require.NoError(w.t, err)
	return swept
}

func (w *sweepWorld) heldCount() int {
	w.t.Helper()
	return count(w.t, w.db, "SELECT count(*) FROM reservations WHERE status = 'HELD'")
}

// statuses are those of all reservations, by id.
func (w *sweepWorld) statuses() map[string]inventory.Status {
	w.t.Helper()
	var rows []struct {
		ID     string
		Status inventory.Status
	}
	require.NoError(w.t, w.db.NewRaw("SELECT id, status FROM reservations").Scan(w.t.Context(), &rows))
	statuses := map[string]inventory.Status{}
	for _, row := range rows {
		statuses[row.ID] = row.Status
	}
	return statuses
}

// lock runs a statement in a transaction that stays open until the function is
// called that it returns.
func (w *sweepWorld) lock(statement string, args ...any) (unlock func()) {
	w.t.Helper()
	tx, err := w.db.Begin()
	require.NoError(w.t, err)
	unlock = sync.OnceFunc(func() { assert.NoError(w.t, tx.Rollback()) })
	w.t.Cleanup(unlock)
	_, err = tx.Exec(statement, args...)
	require.NoError(w.t, err)
	return unlock
}

// requireSound requires that everything adds up and that there was no deadlock.
// It closes the servers: a session counts its deadlocks at the latest when it
// ends.
func (w *sweepWorld) requireSound() {
	w.t.Helper()
	requireSound(w.t, w.db)
	for _, s := range w.servers {
		s.Repo.Close(w.t.Context())
		require.NoError(w.t, s.db.Close())
	}
	require.Eventually(w.t, func() bool {
		return count(w.t, w.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'") == w.db.Stats().OpenConnections
	}, patience, 10*time.Millisecond)
	require.Zero(w.t, count(w.t, w.db, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}
