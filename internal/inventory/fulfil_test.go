package inventory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestFulfilmentHasTheUnitsLeave(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	converted := fourConverted(s)
	s.now = s.now.Add(24 * time.Hour)

	r := s.done(inventory.FulfillAllocation{ReservationID: strings.ToUpper(converted.ID), Reference: new("parcel-7")}).Reservation

	want := *converted
	want.Status, want.Revision = inventory.Fulfilled, 3
	require.Equal(t, &want, r, "when it left HELD stays, and its deadline is of no concern")
	level := s.level()
	require.Equal(t, inventory.StockLevel{SKU: "A", Location: "default", Total: 6, Version: 4, UpdatedAt: s.now}, level)
	require.Equal(t, inventory.Entry{
		At: s.now, Action: inventory.ActionFulfilled, SKU: "A", Location: "default", ReservationID: r.ID,
		TotalDelta: -4, AllocatedDelta: -4, After: &level, Actor: somebody, Reference: "parcel-7", CommandID: s.last.ID,
	}, s.db.log[len(s.db.log)-1])
}

func TestCancellationGivesTheUnitsBack(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	converted := fourConverted(s)
	s.now = s.now.Add(24 * time.Hour)

	r := s.done(inventory.CancelAllocation{ReservationID: strings.ToUpper(converted.ID), Reference: new("returned")}).Reservation

	want := *converted
	want.Status, want.Revision = inventory.Cancelled, 3
	require.Equal(t, &want, r, "when it left HELD stays, and its deadline is of no concern")
	level := s.level()
	require.Equal(t, inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Version: 4, UpdatedAt: s.now}, level)
	require.Equal(t, inventory.Entry{
		At: s.now, Action: inventory.ActionCancelled, SKU: "A", Location: "default", ReservationID: r.ID,
		AllocatedDelta: -4, After: &level, Actor: somebody, Reference: "returned", CommandID: s.last.ID,
	}, s.db.log[len(s.db.log)-1])
}

func TestDirectAllocationEndsWithoutHavingBeenHeld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(string) inventory.Command
		to    inventory.Status
		total int64
	}{
		"fulfilled": {fulfil, inventory.Fulfilled, 6},
		"cancelled": {cancel, inventory.Cancelled, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			allocated := fourAllocated(s)
			require.Equal(t, inventory.Allocated, s.refused(convert(allocated.ID)).Reservation.Status)

			r := s.done(test.end(allocated.ID)).Reservation

			require.Equal(t, test.to, r.Status)
			require.Nil(t, r.CompletedAt, "it was never held")
			require.Equal(t, test.total, s.level().Available())
			e := s.refused(convert(allocated.ID))
			require.Equal(t, inventory.InvalidState, e.Code)
			require.Equal(t, test.to, e.Reservation.Status)
		})
	}
}

func TestConversionIsReplayedThoughItsAllocationHasEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(string) inventory.Command{"fulfilled": fulfil, "cancelled": cancel} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			ended := s.done(end(fourConverted(s).ID)).Reservation

			repeated := s.done(convert(ended.ID))

			require.True(t, repeated.Replayed)
			require.Equal(t, ended, repeated.Reservation, "as it now is")
			require.Equal(t, ended.Status, s.refused(release(ended.ID)).Reservation.Status)
		})
	}
}

// By the time that its COMMIT is known to have been lost, the allocation may
// have ended.
func TestConversionRunAgainAfterItsAllocationEndedIsDone(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	s.done(convert(held.ID))
	conversion := s.last
	fulfilled := s.done(fulfil(held.ID)).Reservation
	s.last = conversion

	require.Equal(t, inventory.Outcome{At: s.now, Reservation: fulfilled}, s.again())
}

func TestAllocationEndsOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	fulfilled := fourConverted(s)
	s.done(fulfil(fulfilled.ID))
	e := s.refused(cancel(fulfilled.ID))
	require.Equal(t, inventory.InvalidState, e.Code)
	require.Equal(t, inventory.Fulfilled, e.Reservation.Status)
	require.Equal(t, "a reservation that is FULFILLED can't be cancelled", e.Error())

	cancelled := fourConverted(s)
	s.done(cancel(cancelled.ID))
	e = s.refused(fulfil(cancelled.ID))
	require.Equal(t, inventory.InvalidState, e.Code)
	require.Equal(t, inventory.Cancelled, e.Reservation.Status)
	require.Equal(t, "a reservation that is CANCELLED can't be fulfilled", e.Error())
}

func TestRivalEndingsInAGroupHaveOneWinner(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Reserved: 5, Version: 5})
	r := heldReservation(1, inventory.Line{SKU: "A", Location: "default", Quantity: 5})
	state.Reservations[r.ID] = r

	outcomes, changes := inventory.Decide(limits, state, []inventory.Request{
		request(2, fulfil(r.ID)), request(3, convert(r.ID)), request(4, fulfil(r.ID)), request(5, cancel(r.ID)), request(6, fulfil(r.ID)),
	})

	require.Equal(t, inventory.Held, requireRefused(t, outcomes[0]).Reservation.Status)
	require.Equal(t, inventory.Allocated, outcomes[1].Reservation.Status)
	require.Equal(t, inventory.Fulfilled, outcomes[2].Reservation.Status)
	require.Equal(t, inventory.Fulfilled, requireRefused(t, outcomes[3]).Reservation.Status)
	require.True(t, outcomes[4].Replayed)
	require.Equal(t, []inventory.LevelChange{{
		After:         inventory.StockLevel{SKU: "A", Location: "default", Total: 5, Version: 7, UpdatedAt: noon},
		VersionBefore: 5,
	}}, changes.Levels)
	require.Len(t, changes.Entries, 2)
}
