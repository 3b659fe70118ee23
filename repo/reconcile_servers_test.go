package repo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

func TestServersThatRepairAtOnceRepairOnce(t *testing.T) {
	t.Parallel()
	const levels, runsEach = 100, 4
	s := newServers(t, inventory.Strategies)
	together(t, s.repos[0], levels, func(i int) inventory.Command {
		return inventory.CreateSKU{SKU: skuNumber(i), Name: "one of many", InitialStock: new(int64(10))}
	})
	execute(t, s.db, "UPDATE stock_levels SET total = total + 3, allocated = allocated + 1")

	repaired := make([]int32, 2*runsEach)
	s.callers(len(repaired), func(caller int) {
		outcome, err := s.repos[caller%2].Reconcile(t.Context(), inventory.Reconcile{Repair: true})
		if assert.NoError(t, err) {
			repaired[caller] = outcome.Run.Repaired
		}
	})
	var sum int32
	for _, n := range repaired {
		sum += n
	}
	assert.EqualValues(t, levels, sum)
	assert.Equal(t, levels, count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED'"))
	assert.Equal(t, levels, count(t, s.db, "SELECT count(*) FROM stock_levels WHERE (total, reserved, allocated) = (10, 0, 0)"))
	requireSound(t, s.db)
	s.requireNoDeadlock()
}

// A server that stops in the middle of its repairs leaves the rest to the next.
func TestRunThatIsCutOffIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	s := newServers(t, inventory.Strategies)
	for _, sku := range []string{"A", "B", "C"} {
		createSKU(t, s.repos[0], sku, 10)
	}
	execute(t, s.db, "UPDATE stock_levels SET total = total + 3")
	locker, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = locker.Close() }()
	_, err = locker.ExecContext(t.Context(), "BEGIN; SELECT FROM stock_levels WHERE sku = 'C' FOR UPDATE")
	require.NoError(t, err)

	cut := make(chan error, 1)
	go func() {
		_, err := s.repos[0].Reconcile(t.Context(), inventory.Reconcile{Repair: true})
		cut <- err
	}()
	require.Eventually(t, func() bool {
		return count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED'") == 2
	}, patience, patience/1000)
	closing, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		s.repos[0].Close(closing)
		close(stopped)
	}()
	require.ErrorIs(t, await(t, cut), repo.ErrUnknownOutcome)
	_, err = locker.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	await(t, stopped)

	list, err := s.repos[1].ReconciliationRuns(t.Context(), repo.Page{First: 10})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	assert.EqualValues(t, 2, list.Items[0].Repaired)
	assert.NotNil(t, list.Items[0].FinishedAt)
	assert.Len(t, list.Items[0].Issues, 3)

	// The repair that waited for the lock may have been done after the run.
	reconcile(t, s.repos[1], true)
	assert.Equal(t, 3, count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED'"))
	assert.Equal(t, 3, count(t, s.db, "SELECT count(*) FROM stock_levels WHERE total = 10"))
	requireSound(t, s.db)
}

func TestARunThatFailedDoesNotStandInForTheNext(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "INSERT INTO reconciliation_runs (started_at, finished_at, actor) VALUES (now(), now(), 'system')")
	require.NoError(t, s.repo.ReconcileIfDue(t.Context(), time.Hour))
	require.Equal(t, 1, count(t, s.db, "SELECT count(*) FROM reconciliation_runs WHERE is_consistent"))
}

func TestServersMakeOneRunAnInterval(t *testing.T) {
	t.Parallel()
	s := newServers(t, inventory.Strategies)
	createSKU(t, s.repos[0], "A", 10)
	execute(t, s.db, "UPDATE stock_levels SET total = 13")
	runs := func() int { return count(t, s.db, "SELECT count(*) FROM reconciliation_runs WHERE actor = 'system'") }
	tick := func() {
		t.Helper()
		s.callers(8, func(caller int) {
			assert.NoError(t, s.repos[caller%2].ReconcileIfDue(t.Context(), time.Hour))
		})
	}
	tick()
	require.Equal(t, 1, runs())
	require.EqualValues(t, 10, level(t, s.db, "A", "default").Total)
	tick()
	require.Equal(t, 1, runs())

	age := func(by string) {
		execute(t, s.db, "UPDATE reconciliation_runs SET started_at = started_at - ?::interval", by)
	}
	age("53 minutes")
	tick()
	require.Equal(t, 1, runs())
	age("6 minutes") // a moment sooner than an interval will do
	tick()
	require.Equal(t, 2, runs())

	// What somebody asked for doesn't stand in for what is due, but while it is
	// under way nothing else begins, unless it must have died.
	age("1 hour")
	reconcile(t, s.repos[1], false)
	tick()
	require.Equal(t, 3, runs())
	age("1 hour")
	execute(t, s.db, "INSERT INTO reconciliation_runs (started_at, actor) VALUES (now() - interval '19 minutes', 'default')")
	tick()
	require.Equal(t, 3, runs())
	age("1 minute")
	tick()
	require.Equal(t, 4, runs())
}

func TestRunGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	execute(t, s.db, "UPDATE stock_levels SET total = total + 3")
	locker, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = locker.Close() }()
	_, err = locker.ExecContext(t.Context(), "BEGIN; LOCK TABLE stock_levels")
	require.NoError(t, err)

	ctx, leave := context.WithCancel(t.Context())
	var left sync.WaitGroup
	left.Go(func() {
		_, err := s.repo.Reconcile(ctx, inventory.Reconcile{Repair: true})
		assert.ErrorIs(t, err, repo.ErrUnknownOutcome)
	})
	// The run's row is there before the run knows: who leaves then has begun none.
	require.Eventually(t, func() bool {
		return count(t, s.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	}, patience, patience/1000)
	leave()
	left.Wait()
	_, err = locker.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return count(t, s.db, "SELECT count(*) FROM reconciliation_runs WHERE repaired = 4") == 1
	}, patience, patience/1000)
}

func TestAClosedRepositoryBeginsNoRun(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	closed := newRepo(t, s.db)
	closed.Close(t.Context())
	_, err := closed.Reconcile(t.Context(), inventory.Reconcile{})
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.Zero(t, count(t, s.db, "SELECT count(*) FROM reconciliation_runs"))
}
