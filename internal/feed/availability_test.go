package feed_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestPresentStateComesFirstOncePerSKU(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default", "west")
		w.add("B")
		values := w.subscribe("B", "A")
		require.Equal(t, &inventory.Availability{SKU: "B", CreatedAt: noon}, next(t, values))
		require.Equal(t, w.stock("A", nil), next(t, values))
		requireNothing(t, values)
	})
}

func TestSKUNamedTwiceIsDeliveredOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.add("B", "default")
		values := w.subscribe("A", "B", "A")
		require.Equal(t, w.stock("A", nil), next(t, values))
		require.Equal(t, w.stock("B", nil), next(t, values))
		requireNothing(t, values)
		w.change("A", "default")
		require.Equal(t, w.stock("A", nil), next(t, values))
		requireNothing(t, values)
	})
}

func TestChangeIsDeliveredToThoseWhoAskedForTheSKU(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default", "west")
		w.add("B", "default")
		one, other, apart := w.subscribe("A", "B"), w.subscribe("A"), w.subscribe("B")
		next(t, one)
		next(t, one)
		next(t, other)
		next(t, apart)
		w.change("A", "west")
		require.Equal(t, w.stock("A", nil), next(t, one))
		require.Equal(t, w.stock("A", nil), next(t, other))
		requireNothing(t, one)
		requireNothing(t, other)
		requireNothing(t, apart)
	})
}

func TestChangeOfSeveralLevelsOfASKUIsDeliveredWhole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default", "west")
		values := w.subscribe("A")
		next(t, values)
		w.announce(w.commit("A", "default"), w.commit("A", "west"))
		require.Equal(t, w.stock("A", nil), next(t, values))
		requireNothing(t, values)
	})
}

func TestChangeAnnouncedDuringTheReadIsNotLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.afterRead = func() { w.change("A", "default") } // too late for the answer
		values := w.subscribe("A")
		got := next(t, values)
		require.EqualValues(t, 2, got.Version())
		require.Equal(t, w.stock("A", nil), got)
		requireNothing(t, values)
	})
}

func TestChangeThatTheReadSawComesOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		seen := w.commit("A", "default")
		w.afterRead = func() { w.announce(seen) }
		values := w.subscribe("A")
		require.Equal(t, w.stock("A", nil), next(t, values))
		requireNothing(t, values)
		w.announce(seen)
		requireNothing(t, values)
	})
}

func TestVersionsNeverFallWhenLevelsAreAnnouncedOutOfOrder(t *testing.T) {
	t.Run("NewestReadBeforeOlderIsAnnounced", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.add("A", "default")
			values := w.subscribe("A")
			next(t, values)
			second, third := w.commit("A", "default"), w.commit("A", "default")
			w.announce(third)
			require.Equal(t, w.stock("A", nil), next(t, values))
			w.announce(second)
			requireNothing(t, values)
		})
	})
	t.Run("NewestStillWaitsWhenOlderIsAnnounced", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.add("A", "default")
			var second, third inventory.StockLevel
			w.afterRead = func() { // nobody takes what waits until the read answers
				second, third = w.commit("A", "default"), w.commit("A", "default")
				w.announce(third)
				w.announce(second)
			}
			values := w.subscribe("A")
			require.Equal(t, w.stock("A", nil), next(t, values))
			requireNothing(t, values)
		})
	})
	t.Run("EachLevelHasItsOwnVersions", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.add("A", "default", "west")
			for range 10 {
				w.commit("A", "default")
			}
			values := w.subscribe("A")
			next(t, values)
			w.change("A", "west") // version 2, which is under the other's 11
			require.Equal(t, w.stock("A", nil), next(t, values))
		})
	})
}

func TestSlowReaderGetsTheLatestValueAndNoBacklog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		skus := []string{"A", "B", "C"}
		for _, sku := range skus {
			w.add(sku, "default", "west")
		}
		values := w.subscribe(skus...)
		for range skus {
			next(t, values)
		}
		for i := range 1000 {
			w.change(skus[i%3], []string{"default", "west"}[i%2])
			if i%7 == 0 {
				synctest.Wait() // the subscription has taken it and waits for its reader
			}
		}
		var got []string
		for range skus {
			value := next(t, values)
			require.Equal(t, w.stock(value.SKU, nil), value)
			got = append(got, value.SKU)
		}
		require.ElementsMatch(t, skus, got)
		requireNothing(t, values)
	})
}

func TestSKUThatAlwaysChangesDoesNotHoldUpTheOthers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		w.add("B", "default")
		w.add("C", "default")
		values := w.subscribe("A", "B", "C")
		var got []string
		for range 6 {
			w.change("A", "default")
			got = append(got, next(t, values).SKU)
			w.change("B", "default")
		}
		require.Equal(t, []string{"A", "B", "C", "A", "B", "A"}, got)
	})
}

func TestChangeAtAnotherLocationIsNotDelivered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default", "west")
		values := w.subscribeAt(new("west"), "A")
		first := next(t, values)
		require.Equal(t, w.stock("A", new("west")), first)
		w.change("A", "default")
		w.change("A", "east")
		requireNothing(t, values)
		w.change("A", "west")
		second := next(t, values)
		require.Equal(t, w.stock("A", new("west")), second)
		require.Equal(t, first.ID(), second.ID())
		requireNothing(t, values)
	})
}

func TestNewLevelIsAddedInLocationOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A")
		values := w.subscribe("A")
		require.Empty(t, next(t, values).Locations)
		var locations []string
		for _, location := range []string{"default", "west", "annex", "east"} {
			w.change("A", location)
			locations = append(locations, location)
			got := next(t, values)
			require.Equal(t, w.stock("A", nil), got)
			var ordered []string
			for _, level := range got.Locations {
				ordered = append(ordered, level.Location)
			}
			require.Equal(t, slices.Sorted(slices.Values(locations)), ordered)
		}
	})
}

func TestDeliveredStockIsNeverChangedAfterwards(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default", "west")
		var delivered, copies []*inventory.Availability
		keep := func(value *inventory.Availability) {
			clone := *value
			clone.Locations = slices.Clone(value.Locations)
			delivered, copies = append(delivered, value), append(copies, &clone)
			// Reads along with whatever comes, for the race detector.
			go func() { _ = fmt.Sprint(*value) }()
		}
		one, other := w.subscribe("A"), w.subscribeAt(new("west"), "A")
		keep(next(t, one))
		keep(next(t, other))
		for i := range 100 {
			w.change("A", "west")
			w.change("A", fmt.Sprintf("annex-%d", 100-i))
			keep(next(t, one))
			keep(next(t, other))
		}
		require.Equal(t, copies, delivered)
	})
}

func TestCallersListMayChangeAfterwards(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.add("A", "default")
		skus := []string{"A"}
		values := w.subscribe(skus...)
		next(t, values)
		skus[0] = "B" // the listener of A must be found again at the end
	})
}
