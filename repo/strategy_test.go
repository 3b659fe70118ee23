package repo_test

import (
	"context"
	"strings"
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

// In what the strategies differ: a command that comes while a rival has the
// stock locked, and changes it.

func TestPessimisticCommandWaitsAndIsDecidedOnce(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Pessimistic, 3)
	outcome := r.meetRival("A")
	require.Empty(t, outcome.Refused)
	require.EqualValues(t, 1, r.tries.Load())
	requireSound(t, r.db)
}

func TestOptimisticCommandThatARivalOvertookIsDecidedAnew(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Optimistic, 1)
	outcome := r.meetRival("A")
	require.Empty(t, outcome.Refused)
	require.EqualValues(t, 2, r.tries.Load())
	requireSound(t, r.db)
}

func TestOptimisticCommandWithoutRetriesIsContended(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Optimistic, 0)
	outcome := r.meetRival("A")
	require.Len(t, outcome.Refused, 1)
	require.Equal(t, inventory.Contended, outcome.Refused[0].Code)
	require.Equal(t, 1, count(t, r.db, "SELECT count(*) FROM reservations"), "the rival's alone")
	requireSound(t, r.db)

	again := r.hold("A", "token")
	require.Empty(t, again.Refused)
	require.False(t, again.Replayed)
}

func TestOvertakenCommandLeavesOthersOfItsGroupAlone(t *testing.T) {
	t.Parallel()
	r := newRivalry(t, inventory.Optimistic, 0)
	unlockX := r.lock("X")
	unlockA := r.lock("A")
	ahead := r.start("X", "ahead")
	r.awaitWaiting(1)
	rival := r.startRival("A")
	r.awaitWaiting(2)
	// These come while the one ahead is under way, and so make one group.
	overtaken, other := r.start("A", "overtaken"), r.start("B", "other")
	unlockX()
	require.Empty(t, (<-ahead).Refused)
	r.awaitWaiting(2)
	unlockA()

	require.Empty(t, (<-rival).Refused)
	refused := (<-overtaken).Refused
	require.Len(t, refused, 1)
	require.Equal(t, inventory.Contended, refused[0].Code)
	require.Empty(t, (<-other).Refused)
	requireSound(t, r.db)
}

// rivalry is two servers on a database with SKUs A, B and X. The first runs by
// the strategy under test and counts its tries; the second is the rival.
type rivalry struct {
	*testing.T
	db    *bun.DB
	repo  *repo.Repo
	rival *repo.Repo
	tries atomic.Int64
}

func newRivalry(t *testing.T, strategy inventory.Strategy, retries int) *rivalry {
	t.Helper()
	url := pgtest.URL(t)
	r := &rivalry{T: t, db: openPool(t, url)}
	r.rival = newRepo(t, r.db)
	for _, sku := range []string{"A", "B", "X"} {
		createSKU(t, r.rival, sku, 10)
	}
	r.repo = newRepo(t, openPool(t, url).WithQueryHook(r), func(o *repo.Options) {
		o.Strategy, o.OptimisticRetries = strategy, retries
	})
	return r
}

// BeforeQuery counts the transactions that are begun.
func (r *rivalry) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	if strings.HasPrefix(event.Query, "BEGIN") {
		r.tries.Add(1)
	}
	return ctx
}

// AfterQuery is of no interest.
func (r *rivalry) AfterQuery(context.Context, *bun.QueryEvent) {}

// meetRival holds one of the SKU while a rival who was first waits to do so.
func (r *rivalry) meetRival(sku string) inventory.Outcome {
	r.Helper()
	unlock := r.lock(sku)
	rival := r.startRival(sku)
	r.awaitWaiting(1)
	mine := r.start(sku, "token")
	r.awaitWaiting(2)
	unlock()
	require.Empty(r, (<-rival).Refused)
	return <-mine
}

// lock keeps the SKU's stock level locked until unlock is called.
func (r *rivalry) lock(sku string) (unlock func()) {
	r.Helper()
	tx, err := r.db.BeginTx(r.Context(), nil)
	require.NoError(r, err)
	_, err = tx.ExecContext(r.Context(), "SELECT 1 FROM stock_levels WHERE sku = ? FOR UPDATE", sku)
	require.NoError(r, err)
	return func() { require.NoError(r, tx.Rollback()) }
}

// awaitWaiting returns once so many sessions wait for locks.
func (r *rivalry) awaitWaiting(sessions int) {
	r.Helper()
	require.Eventually(r, func() bool {
		return count(r, r.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == sessions
	}, patience, 2*time.Millisecond)
}

func (r *rivalry) start(sku, token string) <-chan inventory.Outcome {
	answer := make(chan inventory.Outcome, 1)
	go func() { answer <- r.hold(sku, token) }()
	return answer
}

func (r *rivalry) startRival(sku string) <-chan inventory.Outcome {
	answer := make(chan inventory.Outcome, 1)
	go func() {
		outcome, err := r.rival.Do(r.Context(), inventory.CreateHold{ClientToken: "rival", Lines: []inventory.LineRequest{line(sku, 1)}}, nil)
		assert.NoError(r, err)
		answer <- outcome
	}()
	return answer
}

func (r *rivalry) hold(sku, token string) inventory.Outcome {
	outcome, err := r.repo.Do(r.Context(), inventory.CreateHold{ClientToken: token, Lines: []inventory.LineRequest{line(sku, 1)}}, nil)
	assert.NoError(r, err)
	return outcome
}
