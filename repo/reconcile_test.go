package repo_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// Whatever drifted:
//
//   - A run records what it found before it repairs.
//   - What is repairable is repaired, and nothing else is touched.
//   - A run after it finds nothing of that.
//   - Each repair is one audit entry, and no level is oversold.

func reconcile(t testing.TB, r *repo.Repo, repair bool) inventory.ReconciliationRun {
	t.Helper()
	outcome, err := r.Reconcile(t.Context(), inventory.Reconcile{Repair: repair})
	require.NoError(t, err)
	require.Empty(t, outcome.Refused)
	return *outcome.Run
}

// issuesOf are a run's issues as found gives them.
func issuesOf(run inventory.ReconciliationRun, only inventory.Invariant) []issue {
	return found(inventory.ConsistencyReport{Issues: run.Issues}, only)
}

func repairs(t testing.TB, s *shop) int {
	t.Helper()
	return count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED'")
}

// drift is a corruption that a run must repair, on some levels of the shop.
type drift struct {
	name string
	do   string
	// bake has commands change the levels, so that the corruption is in the log.
	bake bool
	// levels are how many are repaired.
	levels int
}

var drifts = []drift{
	{name: "ReservedTooHigh", do: "UPDATE stock_levels SET reserved = reserved + 5 WHERE sku = 'CHAIR'", levels: 2},
	{name: "ReservedTooLow", do: "UPDATE stock_levels SET reserved = reserved - 2 WHERE sku = 'TABLE'", levels: 1},
	{name: "AllocatedTooHigh", do: "UPDATE stock_levels SET allocated = allocated + 5 WHERE sku = 'CHAIR'", levels: 2},
	{name: "AllocatedTooLow", do: "UPDATE stock_levels SET allocated = allocated - 2 WHERE sku = 'TABLE'", levels: 1},
	{name: "TotalTooHigh", do: "UPDATE stock_levels SET total = total + 5", levels: 4},
	{name: "TotalTooLow", do: "UPDATE stock_levels SET total = total - 5", levels: 4},
	{name: "SeveralCounters", do: "UPDATE stock_levels SET total = 70, reserved = 1, allocated = 20 WHERE sku = 'TABLE'", levels: 1},
	{name: "TotalBelowWhatIsReserved", do: withoutChecks + "UPDATE stock_levels SET total = 4 WHERE sku = 'CHAIR' AND location = 'default'", levels: 1},
	{name: "NegativeCounters", do: withoutChecks + "UPDATE stock_levels SET total = -9, reserved = -1, allocated = -2 WHERE sku = 'LAMP'", levels: 1},
	{name: "LastEntryWithOtherLines", do: `UPDATE stock_levels SET reserved = reserved + 1 WHERE sku = 'TABLE';
		UPDATE audit_log AS e SET reserved = e.reserved + 1 FROM stock_levels AS l
		WHERE (e.sku, e.location, e.version) = (l.sku, l.location, l.version) AND l.sku = 'TABLE'`, levels: 1},
	{name: "EntryWithAnotherTotalDelta", do: "UPDATE audit_log SET total_delta = 19 WHERE sku = 'CHAIR' AND location = 'north'", levels: 1},
	{name: "LineMissing", do: "DELETE FROM reservation_lines WHERE reservation_id = (SELECT id FROM reservations WHERE client_token = 'held') AND sku = 'TABLE'", levels: 1},

	{name: "ReservedBakedIn", do: "UPDATE stock_levels SET reserved = reserved + 5 WHERE sku = 'CHAIR'", bake: true, levels: 2},
	{name: "AllocatedBakedIn", do: "UPDATE stock_levels SET allocated = allocated + 5 WHERE sku = 'CHAIR'", bake: true, levels: 2},
	{name: "TotalBakedIn", do: "UPDATE stock_levels SET total = total + 5", bake: true, levels: 4},
	{name: "SeveralCountersBakedIn", do: "UPDATE stock_levels SET total = 70, reserved = 3, allocated = 20 WHERE sku = 'TABLE'", bake: true, levels: 1},
}

// bake changes every level of the shop by commands, and brings most back.
func (s *shop) bake(t testing.TB) {
	t.Helper()
	lines := []inventory.LineRequest{line("CHAIR", 1, "default"), line("CHAIR", 1, "north"), line("TABLE", 1), line("LAMP", 1)}
	kept := hold(t, s.repo, fmt.Sprint("kept after ", repairs(t, s)), lines...)
	done(t, s.repo, inventory.ConvertHold{ReservationID: kept.ID})
	given := hold(t, s.repo, fmt.Sprint("given back after ", repairs(t, s)), lines...)
	done(t, s.repo, inventory.ReleaseHold{ReservationID: given.ID})
}

func TestDriftIsRepairedOnceAndForGood(t *testing.T) {
	t.Parallel()
	for _, d := range drifts {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s, sound := newShop(t), newShop(t)
			execute(t, s.db, d.do)
			if d.name == "LineMissing" || d.name == "EntryWithAnotherTotalDelta" {
				sound = nil // the truth is another now
			}
			if d.bake {
				s.bake(t)
				sound.bake(t)
			}

			before := s.check(t)
			checked := reconcile(t, s.repo, false)
			assert.False(t, checked.IsConsistent)
			assert.Zero(t, checked.Repaired)
			assert.Equal(t, found(before, ""), issuesOf(checked, ""))
			assert.Zero(t, repairs(t, s))

			run := reconcile(t, s.repo, true)
			assert.False(t, run.IsConsistent)
			assert.Equal(t, found(before, ""), issuesOf(run, ""))
			assert.EqualValues(t, d.levels, run.Repaired)
			assert.Equal(t, d.levels, repairs(t, s))
			assert.Equal(t, d.levels, count(t, s.db, `SELECT count(*) FROM audit_log AS e WHERE action = 'REPAIRED'
				AND reference = ? AND actor = 'default' AND (total, reserved, allocated) = (
					SELECT p.total + e.total_delta, p.reserved + e.reserved_delta, p.allocated + e.allocated_delta
					FROM audit_log AS p WHERE (p.sku, p.location, p.version) = (e.sku, e.location, e.version - 1))`, run.Reference()))

			after := s.check(t)
			for _, i := range after.Issues {
				assert.False(t, i.Repairable, i.Detail)
				assert.Equal(t, orphaned, i.Invariant, i.Detail)
			}
			if sound != nil {
				requireSound(t, s.db)
				for _, key := range []inventory.LevelKey{{SKU: "CHAIR", Location: "default"}, {SKU: "CHAIR", Location: "north"}, {SKU: "TABLE", Location: "default"}, {SKU: "LAMP", Location: "default"}} {
					assert.Equal(t, withoutVersion(level(t, sound.db, key.SKU, key.Location)), withoutVersion(level(t, s.db, key.SKU, key.Location)))
				}
			}

			s.repo.CheckInSmallParts()
			s.bake(t)
			assert.Len(t, s.check(t, "CHAIR", "TABLE", "LAMP", "BARE").Issues, len(after.Issues))
			again := reconcile(t, s.repo, true)
			assert.Equal(t, len(after.Issues) == 0, again.IsConsistent)
			assert.Zero(t, again.Repaired)
			assert.Equal(t, d.levels, repairs(t, s))

			// And what drifts anew is repaired anew.
			execute(t, s.db, "UPDATE stock_levels SET total = total + 1, reserved = reserved + 1")
			s.bake(t)
			assert.EqualValues(t, 4, reconcile(t, s.repo, true).Repaired)
			assert.Len(t, s.check(t).Issues, len(after.Issues))
		})
	}
}

func TestWhatCanNotBeRepairedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	for name, corruption := range map[string]string{
		"EntryMissing":            "DELETE FROM audit_log WHERE action = 'CREATED' AND sku = 'TABLE'",
		"VersionAhead":            "UPDATE stock_levels SET version = version + 2 WHERE sku = 'LAMP'",
		"LevelMissing":            "DELETE FROM stock_levels WHERE sku = 'TABLE'",
		"LevelWithoutEntries":     "INSERT INTO stock_levels VALUES ('BARE', 'south', 0, 0, 0, 1, now())",
		"EntryTakenBackByTheNext": "UPDATE audit_log SET total = total + 1 WHERE sku = 'CHAIR' AND location = 'default' AND version = 3",
		"DeltaWhereLinesAgree":    "UPDATE audit_log SET reserved_delta = -2 WHERE action = 'RELEASED' AND sku = 'TABLE'",
		"LinesOfMoreThanThereIs":  "UPDATE reservation_lines SET quantity = 98 WHERE sku = 'CHAIR'",
		"TotalOfLessThanIsSold":   "UPDATE audit_log SET total_delta = -98 WHERE sku = 'CHAIR' AND action = 'FULFILLED'",
		"TokenWithoutEffect":      "DELETE FROM client_tokens WHERE action = 'ADJUSTED'",
		"ClosedAnotherWay":        "UPDATE audit_log SET action = 'EXPIRED' WHERE action = 'RELEASED'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			execute(t, s.db, corruption)
			run := reconcile(t, s.repo, true)
			assert.False(t, run.IsConsistent)
			assert.Zero(t, run.Repaired)
			require.NotEmpty(t, run.Issues)
			for _, i := range run.Issues {
				assert.False(t, i.Repairable, i.Detail)
			}
			assert.Zero(t, repairs(t, s))
			assert.Equal(t, issuesOf(run, ""), issuesOf(reconcile(t, s.repo, true), ""))
		})
	}
}

// With an entry missing nobody knows the total, but lines still tell the rest.
func TestTotalIsLeftAloneWhereAnEntryIsMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "DELETE FROM audit_log WHERE action = 'CREATED' AND sku = 'TABLE'")
	execute(t, s.db, "UPDATE stock_levels SET total = total + 5, reserved = reserved + 5 WHERE sku = 'TABLE'")
	assert.EqualValues(t, 1, reconcile(t, s.repo, true).Repaired)
	assert.Equal(t, inventory.StockLevel{SKU: "TABLE", Location: "default", Total: 54, Reserved: 2, Allocated: 2},
		withoutVersion(level(t, s.db, "TABLE", "default")))
	assert.Equal(t, []issue{{chain, table, "", 1, 2, false}}, found(s.check(t), ""))
}

// A count is not undone: it says what the total is, whatever it was.
func TestTotalIsLeftAsItWasCounted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE stock_levels SET total = total - 5, reserved = reserved + 1 WHERE sku = 'TABLE'")
	done(t, s.repo, inventory.SetStock{ClientToken: "count", SKU: "TABLE", Total: 49, Reason: "CORRECTION"})
	assert.EqualValues(t, 1, reconcile(t, s.repo, true).Repaired)
	assert.Equal(t, inventory.StockLevel{SKU: "TABLE", Location: "default", Total: 49, Reserved: 2, Allocated: 2},
		withoutVersion(level(t, s.db, "TABLE", "default")))
	execute(t, s.db, "UPDATE stock_levels SET total = total + 5 WHERE sku = 'TABLE'")
	assert.EqualValues(t, 1, reconcile(t, s.repo, true).Repaired)
	assert.EqualValues(t, 49, level(t, s.db, "TABLE", "default").Total)
	requireSound(t, s.db)

	// Somebody saw that the total was wrong. The log still has it.
	execute(t, s.db, "UPDATE stock_levels SET total = total + 5 WHERE sku = 'TABLE'")
	s.bake(t)
	done(t, s.repo, inventory.SetStock{ClientToken: "second count", SKU: "TABLE", Total: 49, Reason: "CORRECTION"})
	assert.Equal(t, []issue{{chain, table, "", 49, 54, true}}, found(s.check(t), ""))
	assert.EqualValues(t, 1, reconcile(t, s.repo, true).Repaired)
	assert.EqualValues(t, 49, level(t, s.db, "TABLE", "default").Total)
	requireSound(t, s.db)
	assert.True(t, reconcile(t, s.repo, true).IsConsistent)
}

func TestTheBaseStandsForEntriesThatAreNoLongerKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE stock_levels SET reserved = reserved + 5 WHERE sku = 'TABLE'")
	s.bake(t)
	reconcile(t, s.repo, true)
	execute(t, s.db, `INSERT INTO snapshots (taken_at, level_count, is_base) VALUES (now(), 4, true);
		INSERT INTO snapshot_levels SELECT id, sku, location, total, reserved, allocated, version FROM snapshots, stock_levels`)
	stock := func() []issue { return found(s.check(t), chain) }
	assert.Empty(t, stock(), "entries that the base stands for may still be there")
	s.bake(t)
	assert.Empty(t, stock())
	execute(t, s.db, "DELETE FROM audit_log AS e USING base_levels AS b WHERE (e.sku, e.location) = (b.sku, b.location) AND e.version <= b.version")
	assert.Empty(t, stock())

	// Another level since then, and one of which nothing but the base is left.
	done(t, s.repo, inventory.AdjustStock{ClientToken: "new", SKU: "BARE", Delta: 3, Reason: "FOUND"})
	assert.Empty(t, stock())
	execute(t, s.db, "UPDATE stock_levels SET total = total + 7 WHERE sku IN ('TABLE', 'BARE')")
	s.bake(t)
	assert.ElementsMatch(t, []issue{{chain, table, "", 49, 56, true}, {chain, "BARE@default", "", 3, 10, true}}, stock())
	assert.EqualValues(t, 2, reconcile(t, s.repo, true).Repaired)
	assert.Empty(t, stock())
	assert.EqualValues(t, 49, level(t, s.db, "TABLE", "default").Total)
	assert.EqualValues(t, 3, level(t, s.db, "BARE", "default").Total)

	execute(t, s.db, "DELETE FROM audit_log WHERE sku = 'LAMP' AND version = (SELECT version + 1 FROM base_levels WHERE sku = 'LAMP')")
	assert.Len(t, stock(), 1, "a gap after the base")
	execute(t, s.db, "DELETE FROM audit_log WHERE sku = 'LAMP'; DELETE FROM stock_levels WHERE sku = 'LAMP'")
	assert.Equal(t, []issue{{chain, lamp, "", nil, nil, false}}, stock())
}

func TestRepairIsNotBoundedByTheReport(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const many = 1200
	execute(t, s.db, "INSERT INTO skus SELECT 'SKU-' || i, 'one of many', NULL, gen_random_uuid(), now() FROM generate_series(1, ?) AS i", many)
	execute(t, s.db, "INSERT INTO stock_levels SELECT 'SKU-' || i, 'default', 7, 0, 0, 1, now() FROM generate_series(1, ?) AS i", many)
	execute(t, s.db, `INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta, total, reserved, allocated, version, actor, command_id)
		SELECT now(), 'CREATED', sku, location, 5, 0, 0, 5, 0, 0, 1, 'default', gen_random_uuid() FROM stock_levels WHERE sku LIKE 'SKU-%'`)
	run := reconcile(t, s.repo, true)
	assert.Len(t, run.Issues, 1000)
	assert.EqualValues(t, many, run.Repaired)
	assert.Empty(t, s.check(t).Issues)
}

func TestRunsAreListedNewestFirstWithWhatTheyFound(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := reconcile(t, s.repo, true)
	execute(t, s.db, "UPDATE stock_levels SET total = total + 1 WHERE sku = 'LAMP'")
	execute(t, s.db, "UPDATE reservations SET line_count = 3 WHERE id = ?", s.held)
	outcome, err := s.repo.Reconcile(t.Context(), inventory.Reconcile{Repair: true, Reason: new("after the outage")})
	require.NoError(t, err)
	second := *outcome.Run
	assert.Equal(t, "after the outage", *second.Reason)
	assert.False(t, second.StartedAt.Before(*first.FinishedAt))
	assert.False(t, second.FinishedAt.Before(second.StartedAt))
	require.Len(t, second.Issues, 2)

	// One that never got to record what it found is no news.
	execute(t, s.db, "INSERT INTO reconciliation_runs (started_at, actor) VALUES (now(), 'system')")
	list, err := s.repo.ReconciliationRuns(t.Context(), repo.Page{First: 1})
	require.NoError(t, err)
	assert.Equal(t, []inventory.ReconciliationRun{second}, list.Items)
	assert.True(t, list.More)
	list, err = s.repo.ReconciliationRuns(t.Context(), repo.Page{First: 1, After: &list.Cursors[0]})
	require.NoError(t, err)
	assert.Equal(t, []inventory.ReconciliationRun{first}, list.Items)
	assert.False(t, list.More)
	assert.Empty(t, list.Items[0].Issues)
}

func TestRunTellsTheOperatorWhatItFoundAndWhatStaysWrong(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer // a run has ended when it is read
	db := pgtest.Open(t)
	r := newRepo(t, db, func(o *repo.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 10)
	reconcile(t, r, true)
	assert.Contains(t, log.String(), `level=INFO msg="reconciliation found everything consistent" run=1`)

	log.Reset()
	execute(t, db, "UPDATE stock_levels SET total = 11 WHERE sku = 'A'; UPDATE stock_levels SET version = 2 WHERE sku = 'B'")
	reconcile(t, r, true)
	assert.Contains(t, log.String(), `level=ERROR msg="reconciliation found drift" run=2 issues=2 inconsistentSkus=2 repaired=1`)
	assert.Contains(t, log.String(), `level=WARN msg="this can't be repaired without guessing" run=2 invariant=AUDIT_CHAIN_UNBROKEN detail="B at default: version`)
	assert.NotContains(t, log.String(), "A at default")
}

func TestReconcileRefusesAReasonThatIsNoText(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	outcome, err := s.repo.Reconcile(t.Context(), inventory.Reconcile{Repair: true, Reason: new("two\nlines")})
	require.NoError(t, err)
	require.Len(t, outcome.Refused, 1)
	assert.Equal(t, []string{"input", "reason"}, outcome.Refused[0].Field)
	assert.Nil(t, outcome.Run)
	assert.Zero(t, count(t, s.db, "SELECT count(*) FROM reconciliation_runs"))
}
