package repo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestPastAvailabilityIsInTheOrderAsked(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 5)
	done(t, r, inventory.CreateSKU{SKU: "NEW", Name: "without stock"})
	at := hold(t, r, "t", line("A", 2)).CreatedAt

	answer, err := r.AvailabilityAt(t.Context(), []string{"NEW", "A", "GHOST", "A"}, at)
	require.NoError(t, err)
	a := &inventory.PastAvailability{SKU: "A", At: at, Total: 5, Reserved: 2}
	require.Equal(t, []*inventory.PastAvailability{{SKU: "NEW", At: at}, a, nil, a}, answer)
	require.EqualValues(t, 3, a.Available())

	answer, err = r.AvailabilityAt(t.Context(), []string{"NEW", "A"}, at.Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, []*inventory.PastAvailability{nil, nil}, answer)
}

func TestPastAvailabilityRefusesWhatItCantAnswer(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	base := time.Date(2026, 1, 31, 12, 0, 0, 1000, time.UTC)
	execute(t, db, "INSERT INTO snapshots (taken_at, level_count, is_base) VALUES (?, 0, true)", base)
	var now time.Time
	require.NoError(t, db.NewRaw("SELECT clock_timestamp()").Scan(t.Context(), &now))
	for _, c := range []struct {
		skus  []string
		at    time.Time
		field []string
	}{
		{slices.Repeat([]string{"A"}, 251), base, []string{"skus"}},
		{[]string{"A", "not a SKU"}, base, []string{"skus", "1"}},
		{[]string{"GHOST"}, now.Add(time.Hour), []string{"at"}},
		{nil, now.Add(time.Hour), []string{"at"}},
		{[]string{"GHOST"}, base.Add(-time.Microsecond), []string{"at"}},
	} {
		_, err := r.AvailabilityAt(t.Context(), c.skus, c.at)
		requireRefused(t, err, c.field...)
	}
	_, err := r.AvailabilityAt(t.Context(), nil, base.Add(-time.Microsecond))
	require.ErrorContains(t, err, "since 2026-01-31T12:00:00.000001Z")
	for _, at := range []time.Time{base, now} {
		_, err = r.AvailabilityAt(t.Context(), []string{"GHOST"}, at)
		require.NoError(t, err)
	}
}

// However long the log of a level is, a few of its entries are read.
func TestThePastOfABusyLevelIsFoundByReadingFewEntries(t *testing.T) {
	t.Parallel()
	const (
		entries = 200_000
		// entriesRead is for halving, the first and the last, and the one found.
		entriesRead = 18 + 2 + 1
	)
	db := pgtest.Open(t)
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	execute(t, db, "INSERT INTO skus SELECT sku, sku, NULL, gen_random_uuid(), ? FROM unnest('{BUSY,QUIET}'::text[]) AS sku", first)
	execute(t, db, "INSERT INTO stock_levels SELECT sku, 'default', 1, 0, 0, 1, created_at FROM skus")
	execute(t, db, `INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta,
			total, reserved, allocated, version, actor, command_id)
		SELECT ?::timestamptz + n * interval '1 second', 'ADJUSTED', 'BUSY', 'default', 1, 0, 0, n, 0, 0, n, 'default', gen_random_uuid()
		FROM generate_series(1, ?) AS n`, first, entries)
	execute(t, db, "ANALYZE")

	for _, version := range []int{0, 1, 2, entries / 3, entries / 2, entries - 1, entries} {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		before := entriesReadBy(t, tx)
		var total int64
		require.NoError(t, tx.NewRaw("SELECT sum(total)::bigint FROM ("+repo.SelectPast+") AS past",
			first.Add(time.Duration(version)*time.Second), pgdialect.Array([]string{"BUSY", "QUIET"})).
			Scan(t.Context(), &total))
		require.EqualValues(t, version, total)
		read := entriesReadBy(t, tx) - before
		require.Positive(t, read)
		require.LessOrEqual(t, read, entriesRead, "at version %d", version)
		require.NoError(t, tx.Rollback())
	}
}

// entriesReadBy is how many entries of the audit log the session has read, since
// some time ago.
func entriesReadBy(t *testing.T, tx bun.Tx) int {
	t.Helper()
	var n int
	require.NoError(t, tx.NewRaw("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'audit_log'").Scan(t.Context(), &n))
	return n
}
