package inventory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func convert(id string) inventory.Command { return inventory.ConvertHold{ReservationID: id} }
func release(id string) inventory.Command { return inventory.ReleaseHold{ReservationID: id} }
func fulfil(id string) inventory.Command  { return inventory.FulfillAllocation{ReservationID: id} }
func cancel(id string) inventory.Command  { return inventory.CancelAllocation{ReservationID: id} }
func extend(id string, seconds int32) inventory.Command {
	return inventory.ExtendHold{ReservationID: id, TTLSeconds: seconds}
}

// endings are all there are, each with a way to make what it can end.
var endings = map[string]struct {
	end  func(id string) inventory.Command
	made func(*shop) *inventory.Reservation
	to   inventory.Status
}{
	"convert": {convert, fourHeld, inventory.Allocated},
	"release": {release, fourHeld, inventory.Released},
	"fulfil":  {fulfil, fourAllocated, inventory.Fulfilled},
	"cancel":  {cancel, fourAllocated, inventory.Cancelled},

	"fulfil what was held": {fulfil, fourConverted, inventory.Fulfilled},
	"cancel what was held": {cancel, fourConverted, inventory.Cancelled},
}

func fourHeld(s *shop) *inventory.Reservation { return s.hold(4) }

func fourAllocated(s *shop) *inventory.Reservation {
	lines := []inventory.LineRequest{{SKU: "A", Quantity: 4}}
	return s.done(inventory.CreateAllocation{ClientToken: "allocation", Lines: lines}).Reservation
}

func fourConverted(s *shop) *inventory.Reservation {
	return s.done(convert(s.hold(4).ID)).Reservation
}

func TestConversionMakesAnAllocation(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	s.now = held.ExpiresAt.Add(-time.Microsecond)

	r := s.done(convert(held.ID)).Reservation

	require.Equal(t, inventory.Allocated, r.Status)
	require.Equal(t, s.now, *r.CompletedAt)
	require.Equal(t, held.ExpiresAt, r.ExpiresAt)
	require.EqualValues(t, 2, r.Revision)
	require.Zero(t, s.level().Reserved)
	require.EqualValues(t, 4, s.level().Allocated)
}

func TestReleaseGivesTheUnitsBack(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)

	r := s.done(inventory.ReleaseHold{ReservationID: strings.ToUpper(held.ID), Reference: new("changed their mind")}).Reservation

	require.Equal(t, inventory.Released, r.Status)
	require.EqualValues(t, 10, s.level().Available())
	entry := s.db.log[len(s.db.log)-1]
	require.Equal(t, "changed their mind", entry.Reference)
	require.Equal(t, somebody, entry.Actor)
	require.Equal(t, s.last.ID, entry.CommandID)
}

func TestRepeatedEndingIsReplayed(t *testing.T) {
	t.Parallel()
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			made := test.made(s)
			ended := s.done(test.end(made.ID))
			require.False(t, ended.Replayed)
			require.Equal(t, test.to, ended.Reservation.Status)
			entries := len(s.db.log)
			s.now = s.now.Add(24 * time.Hour)

			repeated := s.done(test.end(made.ID))

			require.True(t, repeated.Replayed)
			require.Equal(t, ended.Reservation, repeated.Reservation)
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestEndingRunAgainAfterItsCommitIsDone(t *testing.T) {
	t.Parallel()
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			first := s.done(test.end(test.made(s).ID))
			entries := len(s.db.log)
			require.Equal(t, first, s.again())
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestReplayRunAgainIsStillAReplay(t *testing.T) {
	t.Parallel()
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			made := test.made(s)
			s.done(test.end(made.ID))
			require.True(t, s.done(test.end(made.ID)).Replayed)
			require.True(t, s.again().Replayed)
		})
	}
}

func TestHoldMetAtItsDeadlineIsEndedAndRefused(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]func(string) inventory.Command{
		"convert": convert, "release": release, "fulfil": fulfil, "cancel": cancel,
		"extend": func(id string) inventory.Command { return extend(id, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			held := s.hold(4)
			s.now = *held.ExpiresAt

			e := s.refusedOverdue(command(held.ID))

			require.Equal(t, inventory.InvalidState, e.Code)
			require.Equal(t, inventory.Expired, e.Reservation.Status)
			require.Equal(t, s.now, *e.Reservation.CompletedAt)
			require.Equal(t, *e.Reservation, s.db.reservations[held.ID])
			require.EqualValues(t, 10, s.level().Available())
			require.Equal(t, inventory.ActorSystem, s.db.log[len(s.db.log)-1].Actor)

			// The answer got lost, and the request meets the expiry that it wrote.
			require.Equal(t, e, requireRefused(t, s.again()))
		})
	}
}

func TestHoldExpiresFromItsDeadlineOnAndNotBefore(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)

	s.now = held.ExpiresAt.Add(-time.Microsecond)
	require.Equal(t, held, s.done(inventory.ExpireHold{ReservationID: held.ID}).Reservation)
	s.now = *held.ExpiresAt
	expired := s.done(inventory.ExpireHold{ReservationID: held.ID}).Reservation
	require.Equal(t, inventory.Expired, expired.Status)
	s.now = s.now.Add(time.Hour)
	require.Equal(t, expired, s.done(inventory.ExpireHold{ReservationID: held.ID}).Reservation)
}

func TestReservationOfAnotherPrincipalIsNotFound(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	for _, command := range []inventory.Command{
		convert(held.ID), release(held.ID), fulfil(held.ID), cancel(held.ID),
		extend(held.ID, 60), inventory.ExpireHold{ReservationID: held.ID},
	} {
		s.now = *held.ExpiresAt
		entries := len(s.db.log)

		e := requireRefused(t, s.doAs(another, command))

		require.Equal(t, inventory.NotFound, e.Code)
		require.Equal(t, path("reservationId"), e.Field)
		require.Len(t, s.db.log, entries, "an overdue hold isn't theirs to end")
	}
}

func TestUnknownReservationIsNotFound(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	for _, command := range []inventory.Command{
		convert(uuid(99)), release(uuid(99)), fulfil(uuid(99)), cancel(uuid(99)),
		extend(uuid(99), 60), inventory.ExpireHold{ReservationID: uuid(99)},
	} {
		require.Equal(t, inventory.NotFound, s.refused(command).Code)
	}
}
