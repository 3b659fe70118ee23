package feed_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
)

func TestUnknownSKUIsNamedByItsPathAndLeavesNoListener(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		values, err := w.Feed.Availability(t.Context(), []string{"A", "A", "gone", "A", "lost"}, nil)
		require.Nil(t, values)
		var unknown *feed.UnknownError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, &feed.UnknownError{Field: []string{"skus", "2"}, Name: "SKU gone"}, unknown)
		require.EqualError(t, err, "there is no SKU gone")
		require.Zero(t, w.Listeners())
	})
}

func TestUnknownReservationIsNamedByItsPathAndLeavesNoListener(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		values, err := w.Reservation(t.Context(), holdID)
		require.Nil(t, values)
		var unknown *feed.UnknownError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, &feed.UnknownError{Field: []string{"id"}, Name: "reservation " + holdID}, unknown)
		require.EqualError(t, err, "there is no reservation "+holdID)
		require.Zero(t, w.Listeners())
	})
}

func TestErrorOfTheStockIsAnsweredAndLeavesNoListener(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		w.err = errors.New("the database is down")

		levels, err := w.Feed.Availability(t.Context(), []string{"A"}, nil)
		require.ErrorIs(t, err, w.err)
		require.Nil(t, levels)
		reservations, err := w.Reservation(t.Context(), holdID)
		require.ErrorIs(t, err, w.err)
		require.Nil(t, reservations)
		require.Zero(t, w.Listeners())
	})
}

func TestEmptyListOfSKUsIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, skus := range [][]string{nil, {}} {
			values, err := w.Feed.Availability(t.Context(), skus, nil)
			require.Nil(t, values)
			var refused *inventory.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, inventory.InvalidInput, refused.Code)
			require.Equal(t, []string{"skus"}, refused.Field)
		}
	})
}

func TestNothingIsDeliveredOrLeftAfterTheContextEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		ctx, cancel := context.WithCancel(t.Context())
		waits, err := w.Feed.Availability(ctx, []string{"A", "A"}, nil)
		require.NoError(t, err)
		owed, err := w.Feed.Availability(ctx, []string{"A"}, nil)
		require.NoError(t, err)
		follows, err := w.Reservation(ctx, holdID)
		require.NoError(t, err)
		stays := w.subscribe("A")
		next(t, waits)
		next(t, follows)
		next(t, stays)
		synctest.Wait()

		cancel()
		w.change("A", "default")
		w.move(held(holdID, 2))
		requireClosed(t, waits)
		requireClosed(t, owed)
		requireClosed(t, follows)
		require.Equal(t, 1, w.Listeners(), "only of the one that stays")
		require.Equal(t, w.stock("A", nil), next(t, stays))
	})
}

// Its reader waits, so that both going on and ending are possible: many times,
// as it is chance which of two ready cases is taken.
func TestContextThatEndedDuringTheReadDeliversNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.commitReservation(held(holdID, 1))
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			w.afterRead = cancel
			levels, err := w.Feed.Availability(ctx, []string{"A"}, nil)
			require.NoError(t, err)
			_, open := <-levels
			require.False(t, open, "stock is delivered")

			ctx, cancel = context.WithCancel(t.Context())
			w.afterRead = cancel
			reservations, err := w.Reservation(ctx, holdID)
			require.NoError(t, err)
			_, open = <-reservations
			require.False(t, open, "a reservation is delivered")
		}
	})
}

func TestAnnounceNeverWaitsForSubscribers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		const stuck = 500 // that don't read, and as many that still wait for the stock
		silent := make([]<-chan *inventory.Availability, stuck)
		for i := range silent {
			silent[i] = w.subscribe("A")
		}
		answer := make(chan struct{})
		w.afterRead = func() { <-answer }
		reading := make(chan (<-chan *inventory.Availability), stuck)
		for range stuck {
			go func() {
				values, err := w.Feed.Availability(t.Context(), []string{"A"}, nil)
				if err == nil {
					reading <- values
				}
			}()
		}
		synctest.Wait()

		for range 100 { // a test in which all wait for each other fails at once
			w.change("A", "default")
		}
		close(answer)
		for _, values := range silent {
			require.Equal(t, w.stock("A", nil), next(t, values))
		}
		require.Len(t, reading, stuck)
		for range stuck {
			values := <-reading
			require.Equal(t, w.stock("A", nil), next(t, values))
			requireNothing(t, values)
		}
	})
}
