package inventory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestExtensionCountsFromNow(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	s.now = held.ExpiresAt.Add(-time.Microsecond)

	r := s.done(extend(held.ID, 60)).Reservation

	require.Equal(t, s.now.Add(time.Minute), *r.ExpiresAt)
	require.EqualValues(t, 2, r.Revision)
	require.Equal(t, inventory.Held, r.Status)
	require.Nil(t, r.CompletedAt)
	require.Equal(t, inventory.Entry{
		At: s.now, Action: inventory.ActionExtended, ReservationID: held.ID, Actor: somebody, CommandID: s.last.ID,
	}, s.db.log[len(s.db.log)-1])
	s.now = *held.ExpiresAt
	require.Equal(t, inventory.Allocated, s.done(convert(held.ID)).Reservation.Status, "the old deadline is past")
}

func TestExtensionNeverShortens(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	entries := len(s.db.log)
	for _, seconds := range []int32{1, 899, 900} {
		require.Equal(t, held, s.done(extend(held.ID, seconds)).Reservation)
	}
	require.Len(t, s.db.log, entries)
}

func TestExtensionPastTheMaximumIsInvalidInput(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	s.now = s.now.Add(10 * time.Minute)

	e := s.refused(extend(held.ID, 50*60+1))

	require.Equal(t, inventory.InvalidInput, e.Code)
	require.Equal(t, path("ttlSeconds"), e.Field)
	require.Equal(t, noon.Add(limits.HoldTTLMax), *s.done(extend(held.ID, 50*60)).Reservation.ExpiresAt)
}

func TestExtensionRunAgainAfterItsCommitIsDone(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	held := s.hold(4)
	extended := s.done(extend(held.ID, 1800)).Reservation
	entries := len(s.db.log)

	s.now = s.now.Add(time.Second)
	require.Equal(t, inventory.Outcome{At: s.now, Reservation: extended}, s.again(), "not extended twice")

	// By the time that it is run again, the hold may have ended.
	request := s.last
	released := s.done(release(held.ID)).Reservation
	s.last = request
	require.Equal(t, inventory.Outcome{At: s.now, Reservation: released}, s.again())
	require.Len(t, s.db.log, entries+1)
}
