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
func extend(id string, seconds int32) inventory.Command {
	return inventory.ExtendHold{ReservationID: id, TTLSeconds: seconds}
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
	for name, end := range map[string]func(string) inventory.Command{"convert": convert, "release": release} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			held := s.hold(4)
			ended := s.done(end(held.ID))
			require.False(t, ended.Replayed)
			entries := len(s.db.log)
			s.now = s.now.Add(24 * time.Hour)

			repeated := s.done(end(held.ID))

			require.True(t, repeated.Replayed)
			require.Equal(t, ended.Reservation, repeated.Reservation)
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestEndingRunAgainAfterItsCommitIsDone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(string) inventory.Command{"convert": convert, "release": release} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			held := s.hold(4)
			first := s.done(end(held.ID))
			entries := len(s.db.log)
			require.Equal(t, first, s.again())
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestReplayRunAgainIsStillAReplay(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	s.done(convert(held.ID))
	require.True(t, s.done(convert(held.ID)).Replayed)
	require.True(t, s.again().Replayed)
}

// Every command that needs a hold, against every state that isn't one.
func TestReservationThatLeftHeldIsRefusedWithWhatItIs(t *testing.T) {
	t.Parallel()
	allocatedDirectly := func(r *inventory.Reservation) { r.ExpiresAt, r.CompletedAt = nil, nil }
	commands := map[string]inventory.Command{
		"convert": convert(uuid(1)), "release": release(uuid(1)), "extend": extend(uuid(1), 3600),
	}
	tests := map[string]struct {
		status  inventory.Status
		change  func(*inventory.Reservation)
		replays string
	}{
		"converted":                          {status: inventory.Allocated, replays: "convert"},
		"released":                           {status: inventory.Released, replays: "release"},
		"expired":                            {status: inventory.Expired},
		"converted and fulfilled":            {status: inventory.Fulfilled, replays: "convert"},
		"converted and cancelled":            {status: inventory.Cancelled, replays: "convert"},
		"allocated directly":                 {status: inventory.Allocated, change: allocatedDirectly},
		"allocated directly, then fulfilled": {status: inventory.Fulfilled, change: allocatedDirectly},
		"allocated directly, then cancelled": {status: inventory.Cancelled, change: allocatedDirectly},
	}
	for name, test := range tests {
		for verb, command := range commands {
			t.Run(verb+" what was "+name, func(t *testing.T) {
				t.Parallel()
				state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Allocated: 5, Version: 5})
				r := heldReservation(1, inventory.Line{SKU: "A", Location: "default", Quantity: 5})
				r.Status, r.CompletedAt, r.Revision = test.status, new(noon.Add(-time.Second)), 2
				if test.change != nil {
					test.change(&r)
				}
				state.Reservations[r.ID] = r

				outcomes, changes := inventory.Decide(limits, state, []inventory.Request{request(2, command)})

				require.True(t, changes.Empty())
				if verb == test.replays {
					require.Equal(t, inventory.Outcome{At: noon, Reservation: &r, Replayed: true}, outcomes[0])
					return
				}
				e := requireRefused(t, outcomes[0])
				require.Equal(t, inventory.InvalidState, e.Code)
				require.Equal(t, &r, e.Reservation)
				require.Equal(t, path("reservationId"), e.Field)
			})
		}
	}
}

func TestHoldMetAtItsDeadlineIsEndedAndRefused(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]func(string) inventory.Command{
		"convert": convert, "release": release,
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
		convert(held.ID), release(held.ID), extend(held.ID, 60), inventory.ExpireHold{ReservationID: held.ID},
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
		convert(uuid(99)), release(uuid(99)), extend(uuid(99), 60), inventory.ExpireHold{ReservationID: uuid(99)},
	} {
		require.Equal(t, inventory.NotFound, s.refused(command).Code)
	}
}
