package repo_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// What all rows have in common is sent once.
func TestWhatAGroupHasInCommonIsWrittenForEachOfIt(t *testing.T) {
	t.Parallel()
	alike := func(n int) inventory.CreateHold {
		return inventory.CreateHold{
			ClientToken: fmt.Sprint("t", n), Lines: []inventory.LineRequest{line("A", 2)}, TTLSeconds: new(int32(60)),
			Holder: new("shop"), Reference: new("sale"), Metadata: json.RawMessage(`{"channel":"app"}`),
		}
	}
	other := func(n int) inventory.CreateHold {
		one := alike(n)
		one.Lines, one.TTLSeconds = []inventory.LineRequest{line("A", 1), line("B", 1)}, new(int32(90))
		one.Holder, one.Reference, one.Metadata = new("market"), nil, nil
		return one
	}
	sold := func(n int) inventory.CreateAllocation {
		return inventory.CreateAllocation{ClientToken: fmt.Sprint("t", n), Lines: []inventory.LineRequest{line("A", 1)}, Holder: new("shop")}
	}
	for name, group := range map[string][]inventory.Command{
		"all":           {alike(1), alike(2), alike(3)},
		"all but one":   {alike(1), other(2), alike(3)},
		"what is alone": {other(1)},
		"allocations":   {sold(1), sold(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			underEach(t, func(t *testing.T, strategy inventory.Strategy) {
				w := newFaultWorld(t, strategy)
				var ended []inventory.Command
				for _, told := range w.groupOf(group...) {
					require.True(t, told.wasDone(), "%+v", told)
					kept, err := w.repo.ReservationByID(t.Context(), told.Reservation.ID)
					require.NoError(t, err)
					require.Equal(t, told.Reservation, kept)
					if kept.Status == "HELD" {
						ended = append(ended, inventory.ReleaseHold{ReservationID: kept.ID})
					}
				}
				for _, told := range w.groupOf(ended...) {
					require.True(t, told.wasDone(), "%+v", told)
					kept, err := w.repo.ReservationByID(t.Context(), told.Reservation.ID)
					require.NoError(t, err)
					require.Equal(t, told.Reservation, kept)
				}
				requireSound(t, w.db)
			})
		})
	}
}

func TestWhatAdjustmentsHaveInCommonIsInEachOfTheirEntries(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		for n, told := range w.groupOf(
			inventory.AdjustStock{ClientToken: "a", SKU: "A", Delta: 5, Reason: "RECEIVED", Reference: new("truck 7")},
			inventory.AdjustStock{ClientToken: "b", SKU: "B", Delta: 5, Reason: "RECEIVED", Reference: new("truck 7")},
		) {
			require.True(t, told.wasDone(), "%d: %+v", n, told)
		}
		require.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM audit_log WHERE (reason, reference, total_delta) = ('RECEIVED', 'truck 7', 5)"))
		requireSound(t, w.db)
	})
}

// Two servers take the same token for different stock: nothing but the token's
// key keeps them apart.
func TestTokenThatCameBetweenHasItsGroupRunAgain(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		o := newObserved()
		w := newFaultWorld(t, strategy, o.observe)
		w.proxy.next(isSaveOf("neighbour"), func(x *exchange) {
			assert.True(t, w.do(w.other, oneOf("B", "same")).wasDone())
			x.pass()
		})
		told := w.groupOf(oneOf("A", "same"), oneOf("C", "neighbour"))
		require.True(t, told[0].refusedAs(inventory.IdempotencyConflict), "%+v", told[0])
		require.True(t, told[1].wasDone() && !told[1].Replayed, "%+v", told[1])
		require.Equal(t, 1, o.of("retry collision"))
		requireSound(t, w.db)
	})
}
