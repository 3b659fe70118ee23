package repo_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestASnapshotHasEveryLevelWithItsVersion(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	// More than are copied in one step, and then exactly as many as in two.
	for _, levels := range []int{12_345, 20_000} {
		execute(t, db, `INSERT INTO stock_levels SELECT 'S' || n / 3, 'L' || n % 3, n, n / 3, n / 5, n + 1, now() FROM generate_series(0, ? - 1) AS n
			ON CONFLICT DO NOTHING`, levels)
		taken := takeSnapshot(t, r)
		require.EqualValues(t, levels, taken.LevelCount)
		require.WithinDuration(t, time.Now(), taken.TakenAt, patience)
		require.Zero(t, count(t, db, `SELECT count(*) FROM stock_levels AS l
			FULL JOIN (SELECT * FROM snapshot_levels WHERE snapshot_id = ?) AS s USING (sku, location)
			WHERE (l.total, l.reserved, l.allocated, l.version) IS DISTINCT FROM (s.total, s.reserved, s.allocated, s.version)`, taken.Number))
	}
}

func TestASnapshotOfSomeSKUsHasTheirLevelsAlone(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createLocations(t, db, "annex")
	for _, sku := range []string{"A", "B", "C"} {
		createSKU(t, r, sku, 1)
	}
	done(t, r, inventory.AdjustStock{ClientToken: "t", SKU: "A", Location: new("annex"), Delta: 2, Reason: "RECEIVED"})
	taken := takeSnapshot(t, r, "C", "A", "A")
	require.EqualValues(t, 3, taken.LevelCount)
	require.Equal(t, 3, count(t, db, "SELECT count(*) FROM snapshot_levels WHERE snapshot_id = ? AND sku IN ('A', 'C')", taken.Number))
}

func TestASnapshotOfUnknownSKUsIsRefusedByTheirPaths(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 1)
	outcome, err := r.TakeSnapshot(t.Context(), inventory.TakeSnapshot{SKUs: []string{"GHOST", "A", "a"}})
	require.NoError(t, err)
	require.Nil(t, outcome.Snapshot)
	require.Len(t, outcome.Refused, 2)
	for i, sku := range map[int]string{0: "GHOST", 1: "a"} {
		require.Equal(t, inventory.UnknownSKU, outcome.Refused[i].Code)
		require.Equal(t, sku, outcome.Refused[i].SKU)
		require.Equal(t, []string{"input", "skus", strconv.Itoa(2 * i)}, outcome.Refused[i].Field)
	}
	require.Zero(t, count(t, db, "SELECT count(*) FROM snapshots"))
}

func TestWhatIsLeftUnfinishedIsNoSnapshotAndIsClearedAway(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	const levels = 12_000
	execute(t, w.db, "INSERT INTO stock_levels SELECT 'S', 'L' || n, n, 0, 0, 1, now() FROM generate_series(4, ?) AS n", levels)
	copies := func(query string) bool { return strings.Contains(query, "INTO snapshot_levels") }
	harmed := w.proxy.next(copies, func(x *exchange) {
		x.pass()
		w.proxy.next(copies, (*exchange).hangUp)
	})
	_, err := w.repo.TakeSnapshot(t.Context(), inventory.TakeSnapshot{})
	await(t, harmed)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.NotErrorIs(t, err, repo.ErrUnknownOutcome)
	require.NotZero(t, count(t, w.db, "SELECT count(*) FROM snapshot_levels"))
	require.Empty(t, listSnapshots(t, w.other, repo.Page{First: 1}).Items)

	// Somebody may still be taking it.
	young := takeSnapshot(t, w.other, "A")
	require.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM snapshots"))
	execute(t, w.db, "UPDATE snapshots SET started_at = started_at - interval '1 hour'")
	second := takeSnapshot(t, w.other, "A")
	require.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM snapshots"))
	require.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM snapshot_levels"))
	require.Equal(t, []inventory.Snapshot{second, young}, listSnapshots(t, w.other, repo.Page{First: 3}).Items)
}

func TestASnapshotWhoseLastAnswerIsLostMayHaveBeenTaken(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	w.proxy.next(func(query string) bool { return strings.Contains(query, "SET taken_at") }, harms[0].harm)
	_, err := w.repo.TakeSnapshot(t.Context(), inventory.TakeSnapshot{})
	require.ErrorIs(t, err, repo.ErrUnknownOutcome)
	require.EqualValues(t, 3, listSnapshots(t, w.other, repo.Page{First: 1}).Items[0].LevelCount)
}

// What a snapshot says of a level is what the log says of that version, no later
// than the snapshot, and no earlier than what the one before it says.
func TestASnapshotUnderLoadHasWhatTheLevelsWereMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServers(t, inventory.Strategies)
	skus := []string{"A", "B", "C", "D"}
	for _, sku := range skus {
		createSKU(t, s.repos[0], sku, 0)
	}
	const callers, commands = 24, 40
	s.callers(callers+1, func(caller int) {
		for n := range commands {
			if caller == callers {
				_, err := s.repos[n%2].TakeSnapshot(t.Context(), inventory.TakeSnapshot{})
				assert.NoError(t, err)
				continue
			}
			s.do(caller, inventory.AdjustStock{
				ClientToken: strconv.Itoa(caller) + "/" + strconv.Itoa(n), SKU: skus[(caller+n)%len(skus)], Delta: 1, Reason: "FOUND",
			})
		}
	})
	require.Equal(t, commands*len(skus), count(t, s.db, "SELECT count(*) FROM snapshot_levels"))
	require.Positive(t, count(t, s.db, "SELECT count(DISTINCT version) - 2 FROM snapshot_levels"), "there was no load")
	require.Zero(t, count(t, s.db, `SELECT count(*) FROM snapshots AS s JOIN snapshot_levels AS l ON l.snapshot_id = s.id
		LEFT JOIN audit_log AS e USING (sku, location, version, total, reserved, allocated)
		WHERE e.id IS NULL OR e.at > s.taken_at`))
	require.Zero(t, count(t, s.db, `SELECT count(*) FROM (SELECT version, lag(version) OVER (PARTITION BY sku, location ORDER BY snapshot_id) AS before
		FROM snapshot_levels) AS l WHERE version < before`))
}

func TestSnapshotsArePagedFromTheNewest(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	var taken []inventory.Snapshot
	for range 5 {
		taken = append([]inventory.Snapshot{takeSnapshot(t, r)}, taken...)
	}
	execute(t, db, "INSERT INTO snapshots (taken_at, level_count, is_base) VALUES (now(), 0, true)")

	var listed []inventory.Snapshot
	page := repo.Page{First: 2}
	for more := true; more; {
		list := listSnapshots(t, r, page)
		listed = append(listed, list.Items...)
		more, page.After = list.More, &list.Cursors[len(list.Cursors)-1]
		takeSnapshot(t, r) // is on no later page
	}
	require.Equal(t, taken, listed)
	require.Empty(t, listSnapshots(t, r, page).Items)
	_, err := r.Snapshots(t.Context(), repo.Page{First: 101})
	requireRefused(t, err, "first")
}

// takeSnapshot takes one of the SKUs, or of all, which must succeed.
func takeSnapshot(t testing.TB, r *repo.Repo, skus ...string) inventory.Snapshot {
	t.Helper()
	outcome, err := r.TakeSnapshot(t.Context(), inventory.TakeSnapshot{SKUs: skus})
	require.NoError(t, err)
	require.Empty(t, outcome.Refused)
	return *outcome.Snapshot
}

func listSnapshots(t testing.TB, r *repo.Repo, page repo.Page) repo.List[inventory.Snapshot] {
	t.Helper()
	list, err := r.Snapshots(t.Context(), page)
	require.NoError(t, err)
	return list
}
