package repo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// The write path keeps its plans for as long as a connection lasts. Those that
// were made while there was little to read must do for what there is later, until
// somebody analyzes the tables again.

func TestPlansOfSmallTablesReadLittleOfLargeOnes(t *testing.T) {
	t.Parallel()
	for name, analyze := range map[string]struct{ empty, small bool }{
		"never analyzed":           {},
		"analyzed while empty":     {empty: true},
		"analyzed with a few rows": {small: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPlannedWorld(t)
			if analyze.empty {
				w.analyze()
			}
			w.everyCommand("first")
			if analyze.small {
				w.analyze()
			}
			w.everyCommand("second")
			w.fill()
			w.everyCommand("third")
			require.Less(t, w.rowsRead(), filledRows, "all commands together")
		})
	}
}

// As by a migration of the version to come, which servers of this one live through.
func TestPlansAreMadeAnewWhereTablesChanged(t *testing.T) {
	t.Parallel()
	w := newPlannedWorld(t)
	w.everyCommand("first")
	for _, table := range []string{"skus", "stock_levels", "reservations", "reservation_lines", "client_tokens", "audit_log", "locations"} {
		execute(t, openPool(t, w.url), "ALTER TABLE ? ADD COLUMN added text DEFAULT 'x'", bun.Ident(table))
	}
	w.everyCommand("second")
	execute(t, w.db, "DISCARD ALL")
	w.everyCommand("third")
	requireSound(t, w.db)
}

// filledRows is how many rows a plan meets that reads all of a table or an index.
const filledRows = 5000

// plannedWorld is a repository with one connection, so that it keeps one plan of
// each statement.
type plannedWorld struct {
	*testing.T
	url  string
	db   *bun.DB
	repo *repo.Repo
}

func newPlannedWorld(t *testing.T) *plannedWorld {
	t.Helper()
	w := &plannedWorld{T: t, url: pgtest.URL(t)}
	var err error
	w.db, err = database.Open(w.url, 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.repo = newRepo(t, w.db)
	return w
}

func (w *plannedWorld) analyze() { w.inAnotherSession("ANALYZE") }

// inAnotherSession runs statements in a session that has reported what it read
// when this returns.
func (w *plannedWorld) inAnotherSession(statements ...string) {
	w.Helper()
	db, err := database.Open(w.url, 1)
	require.NoError(w, err)
	for _, statement := range statements {
		execute(w, db, statement)
	}
	require.NoError(w, db.Close())
	w.awaitSessions(1)
}

// awaitSessions returns when no more sessions than this have to do with the test's
// database, beside the one that asks.
func (w *plannedWorld) awaitSessions(sessions int) {
	w.Helper()
	db := openPool(w, w.url)
	require.Eventually(w, func() bool {
		return count(w, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") <= sessions
	}, patience, 5*time.Millisecond)
	require.NoError(w, db.Close())
}

// everyCommand runs what the write path knows, by either strategy.
func (w *plannedWorld) everyCommand(round string) {
	w.Helper()
	sweeper := repo.NewSweeper(w.repo)
	for _, strategy := range inventory.Strategies {
		run := func(command inventory.Command) inventory.Outcome {
			w.Helper()
			outcome, err := w.repo.Do(w.Context(), command, &strategy)
			require.NoError(w, err)
			require.Empty(w, outcome.Refused)
			return outcome
		}
		name := func(of string) string { return fmt.Sprint(of, "-", round, "-", strategy) }
		sku, imported := name("sku"), name("imported")
		hold := func(token string) string {
			return run(inventory.CreateHold{ClientToken: name(token), Lines: []inventory.LineRequest{line(sku, 1), line(imported, 1, "default")}}).Reservation.ID
		}

		run(inventory.CreateSKU{SKU: sku, Name: "Lamp", InitialStock: new(int64(100))})
		run(inventory.ImportSKU{ClientToken: name("i"), SKU: imported, Name: new("Lamp"), Total: new(int64(100))})
		run(inventory.ImportSKU{ClientToken: name("j"), SKU: imported, Name: new("Torch"), Total: new(int64(200))})
		run(inventory.AdjustStock{ClientToken: name("a"), SKU: sku, Delta: 1, Reason: "FOUND"})
		run(inventory.RepairLevel{Key: inventory.LevelKey{SKU: sku, Location: "default"}, Drift: inventory.Drift{Total: 1}, Actor: "test", Reference: "test"})
		require.Equal(w, hold("again"), hold("again"))
		run(inventory.ExtendHold{ReservationID: hold("extended"), TTLSeconds: 1800})
		run(inventory.ReleaseHold{ReservationID: hold("released")})
		converted := hold("converted")
		run(inventory.ConvertHold{ReservationID: converted})
		run(inventory.FulfillAllocation{ReservationID: converted})
		makeOverdue(w, w.db, hold("overdue"))
		swept, err := sweeper.Sweep(w.Context(), fromTheBeginning, 100)
		require.NoError(w, err)
		require.Equal(w, 1, swept.Ended)
	}
}

// fill makes the tables large, and forgets what was read until then.
func (w *plannedWorld) fill() {
	w.Helper()
	w.inAnotherSession(
		fmt.Sprintf(`INSERT INTO reservations (id, principal, client_token, status, revision, line_count, created_at, expires_at)
			SELECT gen_random_uuid(), 'default', 'filled', 'HELD', 1, 1, now(), now() + interval '1 day' FROM generate_series(1, %d)`, filledRows),
		"INSERT INTO reservation_lines SELECT id, 'filled-' || id, 'default', 1 FROM reservations ON CONFLICT DO NOTHING",
		`INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta, total, reserved, allocated, version, actor, command_id)
			SELECT now(), 'HELD', 'filled-' || id, 'default', id, 0, 1, 0, 1, 1, 0, 1, 'default', id FROM reservations`,
		"INSERT INTO client_tokens SELECT id, 'default', 'HELD', '{}', id, now() FROM reservations ON CONFLICT DO NOTHING",
		"INSERT INTO skus (sku, name, command_id, created_at, stocked) SELECT 'filled-' || id, 'Lamp', id, now(), true FROM reservations",
		"INSERT INTO stock_levels (sku, location, total, reserved, allocated, version, updated_at) SELECT 'filled-' || id, 'default', 1, 1, 0, 1, now() FROM reservations",
	)
	w.inAnotherSession("SELECT pg_stat_reset()")
}

// rowsRead is how many rows, and entries of indexes, were read since the tables
// were filled. It closes the connection: what a session read is certain once it
// has ended.
func (w *plannedWorld) rowsRead() int {
	w.Helper()
	require.NoError(w, w.db.Close())
	w.awaitSessions(0)
	db := openPool(w, w.url)
	return count(w, db, "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)")
}
