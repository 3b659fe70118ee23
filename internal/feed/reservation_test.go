package feed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

const holdID = "0195f1a0-0000-7000-8000-00000000000a"

// held is a hold that was extended until it had the revision.
func held(id string, revision int64) inventory.Reservation {
	return inventory.Reservation{
		ID: id, Principal: "default", Status: inventory.Held, ClientToken: "cart", Revision: revision,
		Lines:     []inventory.Line{{SKU: "A", Location: "default", Quantity: 2}, {SKU: "B", Location: "west", Quantity: 1}},
		CreatedAt: noon, ExpiresAt: new(noon.Add(time.Duration(revision) * time.Hour)),
	}
}

// in is the reservation after a move to the status.
func in(status inventory.Status, r inventory.Reservation) inventory.Reservation {
	r.Status = status
	r.Revision++
	r.CompletedAt = new(noon.Add(time.Minute))
	return r
}

// move commits what the reservation has become and announces it.
func (w *world) move(r inventory.Reservation) {
	w.commitReservation(r)
	w.announceMoves(r)
}

func (w *world) announceMoves(reservations ...inventory.Reservation) {
	var changes inventory.Changes
	for _, after := range reservations {
		changes.Moved = append(changes.Moved, inventory.ReservationMove{After: after, RevisionBefore: after.Revision - 1})
	}
	w.Announce(changes)
}

func TestReservationComesFirstAsItIsThenAsItChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(holdID)
		require.Equal(t, new(held(holdID, 1)), next(t, values))
		requireNothing(t, values)
		w.move(held(holdID, 2))
		require.Equal(t, new(held(holdID, 2)), next(t, values))
		requireNothing(t, values)
	})
}

func TestReservationIDInUpperCaseHearsOfChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(strings.ToUpper(holdID))
		next(t, values)
		w.move(held(holdID, 2))
		require.Equal(t, new(held(holdID, 2)), next(t, values))
	})
}

func TestOtherReservationsAreNotDelivered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(holdID)
		next(t, values)
		other := strings.Replace(holdID, "a", "b", 1)
		w.Announce(inventory.Changes{Made: []inventory.Reservation{held(other, 1)}})
		w.announceMoves(held(other, 2))
		requireNothing(t, values)
	})
}

func TestMoveThatTheReadSawComesOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		made, extended := held(holdID, 1), held(holdID, 2)
		w.commitReservation(extended)
		tell := func() {
			w.Announce(inventory.Changes{Made: []inventory.Reservation{made}})
			w.announceMoves(extended)
		}
		w.afterRead = tell
		values := w.follow(holdID)
		require.Equal(t, &extended, next(t, values))
		requireNothing(t, values)
		tell()
		requireNothing(t, values)
	})
}

func TestMoveAnnouncedDuringTheReadIsNotLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		w.afterRead = func() { w.move(held(holdID, 2)) }
		values := w.follow(holdID)
		require.Equal(t, new(held(holdID, 2)), next(t, values))
		requireNothing(t, values)
	})
}

func TestRevisionsNeverFallWhenMovesAreAnnouncedOutOfOrder(t *testing.T) {
	t.Run("NewestReadBeforeOlderIsAnnounced", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.commitReservation(held(holdID, 1))
			values := w.follow(holdID)
			next(t, values)
			w.move(held(holdID, 3))
			require.Equal(t, new(held(holdID, 3)), next(t, values))
			w.announceMoves(held(holdID, 2))
			requireNothing(t, values)
		})
	})
	t.Run("NewestStillWaitsWhenOlderIsAnnounced", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.commitReservation(held(holdID, 1))
			w.afterRead = func() {
				w.move(held(holdID, 3))
				w.announceMoves(held(holdID, 2))
			}
			values := w.follow(holdID)
			require.Equal(t, new(held(holdID, 3)), next(t, values))
			requireNothing(t, values)
		})
	})
}

func TestSlowReaderGetsTheLatestRevisionAndNoBacklog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(holdID)
		next(t, values)
		for i := range int64(1000) {
			w.move(held(holdID, 2+i))
			if i%7 == 0 {
				synctest.Wait() // the subscription has taken it and waits for its reader
			}
		}
		require.Equal(t, new(held(holdID, 1001)), next(t, values))
		requireNothing(t, values)
	})
}

var notHeld = []inventory.Status{
	inventory.Allocated, inventory.Released, inventory.Expired, inventory.Fulfilled, inventory.Cancelled,
}

func TestReservationThatIsNotHeldIsDeliveredOnceAndClosed(t *testing.T) {
	for _, status := range notHeld {
		t.Run(string(status), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ended := in(status, held(holdID, 1))
				w.commitReservation(ended)
				values := w.follow(holdID)
				require.Equal(t, &ended, next(t, values))
				requireClosed(t, values)
				require.Zero(t, w.Listeners())
			})
		})
	}
}

func TestChannelClosesAfterTheFirstValueThatIsNotHeld(t *testing.T) {
	for _, status := range notHeld {
		t.Run(string(status), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.commitReservation(held(holdID, 1))
				values := w.follow(holdID)
				next(t, values)
				w.move(held(holdID, 2))
				next(t, values)
				ended := in(status, held(holdID, 2))
				w.move(ended)
				require.Equal(t, &ended, next(t, values))
				requireClosed(t, values)
				require.Zero(t, w.Listeners())
			})
		})
	}
}

func TestSlowReaderStillGetsTheEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(holdID) // and reads nothing yet
		allocated := in(inventory.Allocated, held(holdID, 1))
		w.move(allocated)
		fulfilled := in(inventory.Fulfilled, allocated)
		w.move(fulfilled)
		require.Equal(t, &fulfilled, next(t, values))
		requireClosed(t, values)
	})
}

func TestDeliveredReservationIsNeverChangedAfterwards(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commitReservation(held(holdID, 1))
		values := w.follow(holdID)
		var delivered, copies []*inventory.Reservation
		for i := range int64(100) {
			value := next(t, values)
			clone := *value
			clone.Lines = slices.Clone(value.Lines)
			delivered, copies = append(delivered, value), append(copies, &clone)
			// Reads along with whatever comes, for the race detector.
			go func() { _ = fmt.Sprint(*value) }()
			w.move(held(holdID, 2+i))
		}
		require.Equal(t, copies, delivered)
	})
}
