package repo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// Versions that move between a load and its save.

// moveBeforeNextSaves has somebody else be faster, so many times in a row.
func (w *faultWorld) moveBeforeNextSaves(times int, sku string) {
	for i := range times {
		w.proxy.next(isSaveOf("mine"), func(x *exchange) {
			hold(w, w.other, fmt.Sprint("faster-", i), line(sku, 1))
			x.pass()
		})
	}
}

func TestMovedVersionIsContendedWithoutRetries(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic, func(o *repo.Options) { o.OptimisticRetries = 0 })
	w.moveBeforeNextSaves(1, "A")
	told := w.groupOf(oneOf("A", "mine A"), oneOf("B", "mine B"),
		inventory.CreateHold{ClientToken: "mine of both", Lines: []inventory.LineRequest{line("B", 1), line("A", 1)}})
	assert.True(t, told[0].refusedAs(inventory.Contended), "%+v", told[0])
	assert.True(t, told[1].wasDone(), "its level had not moved: %+v", told[1])
	assert.True(t, told[2].refusedAs(inventory.Contended), "%+v", told[2])
	assert.Zero(t, count(t, w.db, "SELECT count(*) FROM reservations WHERE client_token IN ('mine A', 'mine of both')"))
	requireSound(t, w.db)
}

func TestMovedVersionsAreOvercomeByRetries(t *testing.T) {
	t.Parallel()
	for retries := 1; retries <= 3; retries++ {
		t.Run(fmt.Sprint(retries), func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t, inventory.Optimistic, func(o *repo.Options) { o.OptimisticRetries = retries })
			w.moveBeforeNextSaves(retries, "A") // the last retry locks
			told := w.do(w.repo, oneOf("A", "mine"))
			require.True(t, told.wasDone() && !told.Replayed, "%+v", told)
			assert.EqualValues(t, retries+1, level(t, w.db, "A", "default").Reserved)
			requireSound(t, w.db)
		})
	}
}

func TestLevelOfAReservationThatMovedIsDecidedAgain(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic)
	mine := hold(t, w.other, "h", line("A", 2), line("B", 1))
	w.proxy.next(isSave, func(x *exchange) {
		hold(t, w.other, "faster", line("A", 1))
		x.pass()
	})
	told := w.do(w.repo, inventory.ConvertHold{ReservationID: mine.ID})
	require.True(t, told.wasDone() && !told.Replayed, "%+v", told)
	l := level(t, w.db, "A", "default")
	assert.Equal(t, [2]int64{1, 2}, [2]int64{l.Reserved, l.Allocated})
	requireSound(t, w.db)
}

func TestLastUnitThatMovedAwayIsRefused(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Optimistic)
	createSKU(t, w.other, "last", 1)
	w.moveBeforeNextSaves(1, "last")
	told := w.do(w.repo, oneOf("last", "mine"))
	require.True(t, told.refusedAs(inventory.InsufficientStock), "%+v", told)
	requireSound(t, w.db)
}

// A token that another server uses between the load and the save.
func TestTokenUsedBetweenLoadAndSaveIsMet(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		var faster inventory.Reservation
		w.proxy.next(isSaveOf("mine"), func(x *exchange) {
			faster = hold(t, w.other, "mine", line("B", 1))
			x.pass()
		})
		another := w.do(w.repo, oneOf("A", "mine"))
		require.True(t, another.refusedAs(inventory.IdempotencyConflict), "%+v", another)

		w.proxy.next(isSaveOf("yours"), func(x *exchange) {
			faster = hold(t, w.other, "yours", line("A", 1, "default"))
			x.pass()
		})
		if strategy == inventory.Pessimistic {
			return // the other server would have to wait for the level
		}
		same := w.do(w.repo, inventory.CreateHold{ClientToken: "yours", Lines: []inventory.LineRequest{line("A", 1, "default")}})
		require.True(t, same.wasDone() && same.Replayed, "%+v", same)
		assert.Equal(t, faster.ID, same.Reservation.ID)
		requireSound(t, w.db)
	})
}

// REINDEX CONCURRENTLY keeps the old index under another name, and to be met
// first, until nobody can be reading by it.
func TestTokenUsedWhileTheTokensIndexIsRebuiltIsMet(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		stopReading := w.keepOpen("SELECT FROM client_tokens")
		rebuilt := make(chan error, 1)
		go func() {
			_, err := w.db.ExecContext(t.Context(), "REINDEX INDEX CONCURRENTLY client_tokens_pkey")
			rebuilt <- err
		}()
		require.Eventually(t, func() bool {
			return count(t, w.db, "SELECT count(*) FROM pg_class WHERE relname = 'client_tokens_pkey_ccold'") == 1
		}, patience, 2*time.Millisecond)
		w.proxy.next(isSaveOf("mine"), func(x *exchange) {
			hold(t, w.other, "mine", line("B", 1))
			x.pass()
		})
		told := w.do(w.repo, oneOf("A", "mine"))
		require.True(t, told.refusedAs(inventory.IdempotencyConflict), "%+v", told)
		stopReading("ROLLBACK")
		require.NoError(t, await(t, rebuilt))
		requireSound(t, w.db)
	})
}
