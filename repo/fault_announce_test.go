package repo_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// listener remembers what was announced last, as subscribers do.
type listener struct {
	mu           sync.Mutex
	levels       map[inventory.LevelKey]inventory.StockLevel
	reservations map[string]inventory.Reservation
}

func (a *listener) Announce(changes inventory.Changes) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, change := range changes.Levels {
		if a.levels[change.After.Key()].Version < change.After.Version {
			a.levels[change.After.Key()] = change.After
		}
	}
	for _, made := range changes.Made {
		a.reservations[made.ID] = made
	}
	for _, move := range changes.Moved {
		if a.reservations[move.After.ID].Revision < move.After.Revision {
			a.reservations[move.After.ID] = move.After
		}
	}
}

// Whether the answer to a COMMIT came or not is nothing to a subscriber.
func TestChangeWhoseCommitWasInDoubtIsAnnounced(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		heard := &listener{levels: map[inventory.LevelKey]inventory.StockLevel{}, reservations: map[string]inventory.Reservation{}}
		w.repo.AnnounceTo(heard)
		lose := harms[0].harm

		w.proxy.next(isSave, lose)
		held := w.do(w.repo, oneOf("A", "t"))
		require.True(t, held.wasDone(), "%+v", held)
		w.requireHeard(heard, held.Reservation, "A")

		w.proxy.next(isSave, lose)
		released := w.do(w.repo, inventory.ReleaseHold{ReservationID: held.Reservation.ID})
		require.True(t, released.wasDone(), "%+v", released)
		w.requireHeard(heard, released.Reservation, "A")

		w.proxy.next(isSave, lose)
		adjusted := w.do(w.repo, inventory.AdjustStock{ClientToken: "adjust", SKU: "B", Delta: 5, Reason: "FOUND"})
		require.True(t, adjusted.wasDone(), "%+v", adjusted)
		w.requireHeard(heard, nil, "B")
	})
}

func (w *faultWorld) requireHeard(heard *listener, reservation *inventory.Reservation, sku string) {
	w.Helper()
	heard.mu.Lock()
	defer heard.mu.Unlock()
	l := level(w, w.db, sku, inventory.DefaultLocation)
	assert.Equal(w, l.Version, heard.levels[l.Key()].Version)
	if reservation != nil {
		assert.Equal(w, *reservation, heard.reservations[reservation.ID])
	}
}
