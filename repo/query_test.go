package repo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// Reads are bounded in time and number, and say so in the words of a mutation.

func TestReadThatWaitsTooLongIsOverloadedAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	w.keepOpen("LOCK TABLE skus IN ACCESS EXCLUSIVE MODE")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err := w.repo.Availability(ctx, []string{"A"}, nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.ErrorContains(t, err, "55P03", "the server ends it before the caller does")
}

func TestReadOfADatabaseThatIsAwayIsOverloaded(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	held := hold(t, w.repo, "t", line("A", 1))
	w.proxy.cut()
	_, err := w.repo.Availability(t.Context(), []string{"A"}, nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	_, err = w.repo.SKU(t.Context(), "A")
	require.ErrorIs(t, err, repo.ErrOverloaded)
	_, err = w.repo.ReservationByID(t.Context(), held.ID)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	_, err = w.repo.Reservations(t.Context(), repo.Page{First: 1}, nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	_, err = w.repo.Consistency(t.Context(), nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
}

func TestReadThatIsCutOffIsOverloaded(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	w.proxy.next(isStockRead, (*exchange).hangUp)
	_, err := w.repo.Availability(t.Context(), []string{"A"}, nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
}

func TestSlowReadsLeaveHoldsTheirConnections(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	const reads = 30 // more than the pool has connections
	proceed, read := make(chan struct{}), make(chan error, reads)
	slow := make(chan struct{}, reads)
	isRead := func(query string) bool {
		return isStockRead(query) || strings.HasPrefix(query, "SET LOCAL") && strings.Contains(query, "FROM skus WHERE")
	}
	for n := range reads {
		w.proxy.next(isRead, func(x *exchange) {
			slow <- struct{}{}
			<-proceed
			x.pass()
		})
		go func() {
			var err error
			if n%2 == 0 {
				_, err = w.repo.Availability(t.Context(), []string{"A"}, nil)
			} else {
				_, err = w.repo.SKU(t.Context(), "A")
			}
			read <- err
		}()
	}
	await(t, slow)
	told := awaitWithin(t, unharmedWithin, start(t.Context(), w.repo, oneOf("A", "t")))
	assert.True(t, told.wasDone(), "%+v", told)
	close(proceed)
	for range reads {
		require.NoError(t, await(t, read))
	}
}

func TestChecksTakeTurns(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	began, proceed := make(chan struct{}), make(chan struct{})
	w.proxy.next(func(query string) bool { return strings.Contains(query, "count(*) FROM skus") }, func(x *exchange) {
		close(began)
		<-proceed
		x.pass()
	})
	checked := make(chan error, 1)
	check := func(ctx context.Context, skus ...string) error {
		_, err := w.repo.Consistency(ctx, skus)
		return err
	}
	go func() { checked <- check(t.Context(), "A") }()
	await(t, began)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, check(ctx, "B"), repo.ErrOverloaded)
	close(proceed)
	require.NoError(t, await(t, checked))
	require.NoError(t, check(t.Context(), "B"))
}

func TestUpdateOfASKUSaysWhetherItMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	update := func(ctx context.Context) error {
		_, err := w.repo.UpdateSKU(ctx, inventory.UpdateSKU{SKU: "A", Name: new("new")})
		return err
	}
	w.proxy.next(isSave, harms[0].harm)
	require.ErrorIs(t, update(t.Context()), repo.ErrUnknownOutcome)

	end := w.keepOpen("SELECT FROM skus WHERE sku = 'A' FOR UPDATE")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := update(ctx)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.NotErrorIs(t, err, repo.ErrUnknownOutcome)
	end("ROLLBACK")

	w.proxy.cut()
	require.ErrorIs(t, update(t.Context()), repo.ErrOverloaded)
	w.proxy.mend()
	require.NoError(t, update(t.Context()))
}

// The database's own time limits strike before the group's, so that it is known
// that nothing was done, and nothing goes on.
func TestCommandAloneIsContendedBeforeItsTimeRunsOut(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) {
		o.LockTimeout, o.RequestTimeout = 4*time.Second, 4*time.Second
	})
	w.keepOpen(lockLevelA)
	told := w.do(w.repo, oneOf("A", "t"))
	assert.True(t, told.refusedAs(inventory.Contended), "%+v", told)
}
