package repo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// What is sold out is asked for more than anything else, by everybody at once.

func TestRefusalsOfWhatIsSoldOutWriteNothingAndShareOneLoad(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		done(t, w.repo, inventory.CreateAllocation{ClientToken: "all", Lines: []inventory.LineRequest{line("A", 10)}})
		// The first of them finds out, and may lock.
		require.True(t, w.do(w.repo, oneOf("A", "first")).refusedAs(inventory.InsufficientStock))
		// Who locks a row leaves a transaction's id in it.
		locked := func() int { return count(t, w.db, "SELECT xmax::text::bigint FROM stock_levels WHERE sku = 'A'") }
		before, entries := locked(), w.entries()

		var commands []inventory.Command
		for n := range 100 {
			commands = append(commands, oneOf("A", fmt.Sprint("late-", n)))
		}
		for _, told := range w.groupOf(commands...) {
			require.True(t, told.refusedAs(inventory.InsufficientStock), "%+v", told)
		}
		require.Equal(t, before, locked())
		require.Equal(t, entries, w.entries())
	})
}

func TestRefusalIsNotWaitedForBesideOneWhoHasTheRowLocked(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		done(t, w.repo, inventory.CreateAllocation{ClientToken: "all", Lines: []inventory.LineRequest{line("A", 10)}})
		require.True(t, w.do(w.repo, oneOf("A", "first")).refusedAs(inventory.InsufficientStock))
		end := w.keepOpen(lockLevelA)
		require.True(t, awaitWithin(t, unharmedWithin, start(t.Context(), w.repo, oneOf("A", "late"))).refusedAs(inventory.InsufficientStock))
		end("ROLLBACK")
	})
}

func TestWhatComesBackIsHeldThoughRefusalsWentBefore(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		all := hold(t, w.repo, "all", line("A", 10))
		for n := range 3 {
			require.True(t, w.do(w.repo, oneOf("A", fmt.Sprint("early-", n))).refusedAs(inventory.InsufficientStock))
		}
		require.True(t, w.do(w.repo, oneOf("B", "b")).wasDone(), "beside what is sold out")
		require.True(t, w.do(w.repo, oneOf("A", "again")).refusedAs(inventory.InsufficientStock))
		done(t, w.other, inventory.ReleaseHold{ReservationID: all.ID}) // on another server
		require.True(t, w.do(w.repo, oneOf("A", "again")).wasDone())
		requireSound(t, w.db)
	})
}

func TestWhoComesAgainAmongRefusalsIsToldWhatTheyHave(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		first := hold(t, w.other, "mine", line("A", 10))
		require.True(t, w.do(w.repo, oneOf("A", "late")).refusedAs(inventory.InsufficientStock))
		told := w.groupOf(
			oneOf("A", "later"),
			inventory.CreateHold{ClientToken: "mine", Lines: []inventory.LineRequest{line("A", 10)}},
			oneOf("A", "mine"),
			oneOf("GHOST", "ghost"),
		)
		require.True(t, told[0].refusedAs(inventory.InsufficientStock), "%+v", told[0])
		require.True(t, told[1].wasDone() && told[1].Replayed, "%+v", told[1])
		require.Equal(t, first, *told[1].Reservation)
		require.True(t, told[2].refusedAs(inventory.IdempotencyConflict), "%+v", told[2])
		require.True(t, told[3].refusedAs(inventory.UnknownSKU), "%+v", told[3])
	})
}
