package repo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

func TestExpiryWhoseCommitWasInDoubtIsAnnounced(t *testing.T) {
	t.Parallel()
	for _, h := range harms {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t, inventory.Pessimistic)
			held := hold(t, w.other, "t", line("A", 1))
			makeOverdue(t, w.db, held.ID)
			heard := &listener{levels: map[inventory.LevelKey]inventory.StockLevel{}, reservations: map[string]inventory.Reservation{}}
			w.repo.AnnounceTo(heard)
			sweeper := repo.NewSweeper(w.repo)
			w.proxy.next(isSave, h.harm)

			_, err := sweeper.Sweep(t.Context(), fromTheBeginning, 10)
			require.Error(t, err)
			_, err = sweeper.Sweep(t.Context(), fromTheBeginning, 10)
			require.NoError(t, err)
			ended, err := w.other.ReservationByID(t.Context(), held.ID)
			require.NoError(t, err)
			assert.Equal(t, inventory.Expired, ended.Status)
			w.requireHeard(heard, ended, "A")
		})
	}
}
