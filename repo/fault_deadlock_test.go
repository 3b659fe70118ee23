package repo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
)

// A level that comes into being while others are waited for is not locked with
// them. It must not be waited for afterwards either, out of order.
func TestLevelCreatedDuringALockWaitCausesNoDeadlock(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := &faultWorld{T: t, url: url, db: openPool(t, url)}
	// Sooner than the lock timeout, which would hide a deadlock.
	execute(t, w.db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 10', current_database()); END $$")
	pools := []*bun.DB{openPool(t, url), openPool(t, url)}
	w.repo, w.other = newRepo(t, pools[0]), newRepo(t, pools[1])
	createLocations(t, w.db, "west")
	createSKU(t, w.other, "A", 10)
	createSKU(t, w.other, "B", 10)

	end := w.keepOpen("SELECT FROM stock_levels WHERE sku = 'B' FOR UPDATE")
	first := start(t.Context(), w.repo, inventory.CreateHold{ClientToken: "first",
		Lines: []inventory.LineRequest{line("A", 12), line("B", 1)}})
	w.awaitLockWaits(1)
	created := w.do(w.other, inventory.AdjustStock{ClientToken: "west", SKU: "A", Location: new("west"), Delta: 5, Reason: "FOUND"})
	require.True(t, created.wasDone(), "%+v", created)
	second := start(t.Context(), w.other, inventory.CreateHold{ClientToken: "second",
		Lines: []inventory.LineRequest{line("A", 1, "west"), line("B", 1)}})
	w.awaitLockWaits(2)
	end("ROLLBACK")

	for _, answers := range []<-chan answer{first, second} {
		told := await(t, answers)
		assert.True(t, told.wasDone(), "%+v", told)
	}
	requireSound(t, w.db)
	// Sessions report what they met when they end.
	w.db.SetMaxIdleConns(0)
	for _, pool := range pools {
		require.NoError(t, pool.Close())
	}
	require.Eventually(t, func() bool {
		return count(t, w.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == 0
	}, patience, 10*time.Millisecond)
	assert.Zero(t, count(t, w.db, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}

// Where a location is added to the whole catalogue while it sells, such levels come
// into being all the time.
func TestLevelCreatedDuringALockWaitIsLockedWithoutAnotherTry(t *testing.T) {
	t.Parallel()
	o := newObserved()
	w := newFaultWorld(t, inventory.Pessimistic, o.observe)
	createLocations(t, w.db, "west")
	end := w.keepOpen("SELECT FROM stock_levels WHERE sku = 'B' FOR UPDATE")
	waiting := start(t.Context(), w.repo, inventory.CreateHold{ClientToken: "t",
		Lines: []inventory.LineRequest{line("A", 12), line("B", 1)}})
	w.awaitLockWaits(1)
	created := w.do(w.other, inventory.AdjustStock{ClientToken: "west", SKU: "A", Location: new("west"), Delta: 5, Reason: "FOUND"})
	require.True(t, created.wasDone(), "%+v", created)
	end("ROLLBACK")

	told := await(t, waiting)
	require.True(t, told.wasDone(), "%+v", told)
	require.EqualValues(t, 2, level(t, w.db, "A", "west").Reserved)
	require.Zero(t, o.of("retry collision"))
	requireSound(t, w.db)
}
