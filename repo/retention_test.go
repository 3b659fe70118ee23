package repo_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// A random history, of two servers and by both strategies, is trimmed at random
// moments in random steps. After each step:
//
//   - the invariants hold, and the levels are what they were;
//   - along each level it is the first entries that went, and the base snapshot
//     has the last of those;
//   - nothing of the cut-off or younger went, and nothing that is still held or
//     allocated; what ended went whole;
//   - at the end of a pass, nothing else that is older is left.
//
// And the commands that come after answer as if what is gone had never been.
func TestRandomHistoryStaysSoundWhileItIsTrimmed(t *testing.T) {
	t.Parallel()
	for _, strategy := range inventory.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, strategy)
			for n := 1; n <= historyCommands/2; n++ {
				if h.chance(30) {
					h.passDeadline()
				}
				h.commandOne()
				if n%stormEvery == 0 {
					h.storm()
				}
				if h.chance(4) {
					h.trim()
				}
			}
			require.Positive(t, h.met["trimmed"])
			require.Positive(t, h.met["trimmed to the end"])
		})
	}
}

// trim takes some steps of a pass, up to a moment of the history.
func (h *history) trim() {
	h.Helper()
	before := readKept(h, h.db)
	cutoff := now(h, h.db)
	if len(before.entries) > 0 && h.chance(80) {
		cutoff = pick(h.Rand, before.entries...).At
	}
	trimming := h.repos[h.IntN(2)].BeginTrim(cutoff)
	for more, steps := true, h.IntN(8); more && steps > 0; steps-- {
		var err error
		more, err = trimming.Log(h.Context(), pick(h.Rand, 1, 2, 3, 5, 8, 40, 200))
		require.NoError(h, err)
		after := readKept(h, h.db)
		requireTrimmed(h, before, after, cutoff)
		requireSound(h, h.db)
		requireConsistent(h, h.repos[0])
		if len(after.entries) < len(before.entries) {
			h.met["trimmed"]++
		}
		before = after
		if !more {
			h.met["trimmed to the end"]++
			require.False(h, len(after.entries) > 0 && after.entries[0].At.Before(cutoff))
		}
	}
	h.model = h.read()
}

func TestWhatEndedIsTrimmedAndWhatLivesGoesOn(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 1000} {
		s := newShop(t)
		before := readKept(t, s.db)
		trimAll(t, s.db, s.repo, now(t, s.db), limit)
		after := readKept(t, s.db)
		assert.Empty(t, after.entries)
		assert.Len(t, after.reservations, 4)
		for _, id := range []string{s.held, s.extended, s.converted, s.allocated} {
			assert.Equal(t, before.reservations[id], after.reservations[id])
			assert.True(t, after.tokens[before.reservations[id].Token])
		}
		assert.Len(t, after.tokens, 4)
		assert.Equal(t, len(after.base), count(t, s.db, "SELECT level_count FROM snapshots WHERE is_base"))

		for _, id := range []string{s.held, s.converted, s.allocated} {
			if id == s.held {
				done(t, s.repo, inventory.ConvertHold{ReservationID: id})
			}
			done(t, s.repo, inventory.FulfillAllocation{ReservationID: id})
			requireSound(t, s.db)
			requireConsistent(t, s.repo)
		}
		done(t, s.repo, inventory.ReleaseHold{ReservationID: s.extended})
		trimAll(t, s.db, s.repo, now(t, s.db), limit)
		assert.Empty(t, readKept(t, s.db).reservations)
		assert.Equal(t, inventory.StockLevel{SKU: "CHAIR", Location: "default", Total: 88}, withoutVersion(level(t, s.db, "CHAIR", "default")))
	}
}

func TestTokensOfWhatWasTrimmedAreNew(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	trimAll(t, s.db, s.repo, now(t, s.db), 1000)

	again := done(t, s.repo, inventory.CreateHold{ClientToken: "released", Lines: []inventory.LineRequest{line("LAMP", 1)}})
	assert.False(t, again.Replayed)
	assert.NotEqual(t, s.released, again.Reservation.ID)
	adjusted := done(t, s.repo, inventory.AdjustStock{ClientToken: "adjusted", SKU: "LAMP", Delta: 1, Reason: "FOUND"})
	assert.False(t, adjusted.Replayed)
	refused := do(t, s.repo, inventory.ConvertHold{ReservationID: s.released}).Refused
	require.Len(t, refused, 1)
	assert.Equal(t, inventory.NotFound, refused[0].Code)
	// What lives keeps its token.
	assert.True(t, done(t, s.repo, inventory.CreateAllocation{
		ClientToken: "allocated", Lines: []inventory.LineRequest{line("CHAIR", 3, "default"), line("TABLE", 1)},
	}).Replayed)
	requireSound(t, s.db)
	requireConsistent(t, s.repo)
}

func TestTrimGoesByTheDatabasesClockAndSaysWhatWent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var log bytes.Buffer
	r := newRepo(t, s.db, func(options *repo.Options) { options.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	before := readKept(t, s.db)
	require.NoError(t, r.Trim(t.Context(), time.Hour))
	assert.Equal(t, before, readKept(t, s.db))
	assert.Empty(t, log.String())

	execute(t, s.db, `UPDATE reservations SET created_at = created_at - interval '1 hour', completed_at = completed_at - interval '1 hour', expires_at = expires_at - interval '1 hour' WHERE status <> 'HELD';
		UPDATE reservations SET created_at = created_at - interval '1 hour' WHERE status = 'HELD';
		UPDATE stock_levels SET updated_at = updated_at - interval '1 hour';
		UPDATE audit_log SET at = at - interval '1 hour'`)
	execute(t, s.db, "INSERT INTO reconciliation_runs (started_at, actor) VALUES (now() - interval '2 hours', 'system'), (now(), 'system')")
	hold(t, s.repo, "young", line("LAMP", 1))
	require.NoError(t, r.Trim(t.Context(), time.Hour))
	after := readKept(t, s.db)
	assert.Len(t, after.entries, 1)
	assert.Len(t, after.reservations, 5)
	assert.Equal(t, 1, count(t, s.db, "SELECT count(*) FROM reconciliation_runs"))
	assert.Regexp(t, `level=INFO msg="deleted what is older than the retention" entries=\d+ reservations=4 snapshots=0 runs=1 horizon=\S+ took=\S+\n$`, log.String())
	requireSound(t, s.db)
	requireConsistent(t, r)
}

func TestSnapshotsFromBeforeTheHorizonGoAFewLevelsAStep(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const take = `WITH taken AS (INSERT INTO snapshots (taken_at, level_count) SELECT ?, count(*) FROM stock_levels RETURNING id)
		INSERT INTO snapshot_levels SELECT id, sku, location, total, reserved, allocated, version FROM taken, stock_levels`
	execute(t, s.db, take, now(t, s.db).Add(-time.Hour))
	trimAll(t, s.db, s.repo, now(t, s.db), 1000)
	execute(t, s.db, take, now(t, s.db))

	trimming := s.repo.BeginTrim(now(t, s.db))
	var left []int
	for more := true; more; {
		var err error
		more, err = trimming.Snapshot(t.Context(), 3)
		require.NoError(t, err)
		left = append(left, count(t, s.db, "SELECT count(*) FROM snapshot_levels"))
	}
	assert.Equal(t, []int{9, 8, 8}, left, "of three snapshots of 4 levels one went, the base and the later one did not")
	assert.Equal(t, 2, count(t, s.db, "SELECT count(*) FROM snapshots"))
	assert.Equal(t, 1, count(t, s.db, "SELECT count(*) FROM snapshots WHERE is_base"))
}

func TestReconciliationRunsGoAFewAStep(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	execute(t, db, `INSERT INTO reconciliation_runs (started_at, actor) SELECT now() - make_interval(hours => n), 'system' FROM generate_series(1, 5) AS n;
		INSERT INTO reconciliation_issues SELECT id, 1, 'NO_OVERSELL', NULL, NULL, NULL, NULL, NULL, 'an issue', false FROM reconciliation_runs`)
	trimming := r.BeginTrim(now(t, db).Add(-150 * time.Minute))
	var left []int
	for more := true; more; {
		var err error
		more, err = trimming.Runs(t.Context(), 2)
		require.NoError(t, err)
		left = append(left, count(t, db, "SELECT count(*) FROM reconciliation_runs"))
	}
	assert.Equal(t, []int{3, 2}, left)
	assert.Equal(t, 2, count(t, db, "SELECT count(*) FROM reconciliation_issues"))
}
