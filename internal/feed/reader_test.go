package feed_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestAChangeOnAnotherServerArrives(t *testing.T) {
	t.Parallel()
	one, other := newServers(t)
	one.createSKU("A", 10)
	values := one.watch("A")
	other.hold("t", "A")
	require.EqualValues(t, 9, await(t, values).Available())

	_, err := other.repo.CreateLocation(t.Context(), inventory.CreateLocation{Code: "annex", Name: "Annex"})
	require.NoError(t, err)
	other.do(inventory.AdjustStock{ClientToken: "more", SKU: "A", Location: new("annex"), Delta: 5, Reason: "RECEIVED"})
	after := await(t, values)
	require.EqualValues(t, 14, after.Available())
	require.Len(t, after.Locations, 2)
	stored, err := other.repo.Availability(t.Context(), []string{"A"}, nil)
	require.NoError(t, err)
	require.Equal(t, stored[0], after)
}

func TestWhatBecomesOfAReservationOnAnotherServerArrives(t *testing.T) {
	t.Parallel()
	one, other := newServers(t)
	one.createSKU("A", 10)
	for status, end := range map[inventory.Status]func(id string){
		inventory.Allocated: func(id string) { other.do(inventory.ConvertHold{ReservationID: id}) },
		inventory.Released:  func(id string) { other.do(inventory.ReleaseHold{ReservationID: id}) },
		inventory.Expired: func(id string) {
			other.execute("UPDATE reservations SET created_at = now() - interval '1 hour', expires_at = now() - interval '1 second' WHERE id = ?", id)
			_, err := repo.NewSweeper(other.repo).Sweep(t.Context(), time.Time{}, 10)
			require.NoError(t, err)
		},
	} {
		id := one.hold(string(status), "A").ID
		values, err := one.Reservation(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, inventory.Held, await(t, values).Status)
		extended := other.do(inventory.ExtendHold{ReservationID: id, TTLSeconds: 3600}).Reservation
		require.Equal(t, extended, await(t, values))
		end(id)
		require.Equal(t, status, await(t, values).Status)
		_, open := <-values
		require.False(t, open)
	}
}

// As if the server had been killed between the two.
func TestAChangeThatWasCommittedAndNeverAnnouncedArrives(t *testing.T) {
	t.Parallel()
	s := newServer(t, pgtest.URL(t), false)
	s.createSKU("A", 10)
	values := s.watch("A")
	id := s.hold("t", "A").ID
	require.EqualValues(t, 9, await(t, values).Available())
	followed, err := s.Reservation(t.Context(), id)
	require.NoError(t, err)
	await(t, followed)
	s.do(inventory.ReleaseHold{ReservationID: id})
	require.EqualValues(t, 10, await(t, values).Available())
	require.Equal(t, inventory.Released, await(t, followed).Status)
}

func TestAnEntryThatIsSeenLateArrives(t *testing.T) {
	t.Parallel()
	one, other := newServers(t)
	one.createSKU("A", 10)
	one.createSKU("B", 10)
	// It keeps everything after it from being settled.
	busy := other.writing()
	values := one.watch("A", "B")
	first, second := other.draft("A"), other.draft("B")
	require.Less(t, first.id, second.id)
	second.commit()
	require.Equal(t, "B", await(t, values).SKU)
	first.commit()
	require.Equal(t, "A", await(t, values).SKU)
	busy.commit()
}

func TestASubscriberIsToldOfWhatWasUnderWayBefore(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	other := newServer(t, url, true)
	other.createSKU("A", 10)
	before := other.draft("A")
	// It starts with the change under way, looks, and has nobody to tell.
	one := newServer(t, url, true)
	_, err := one.Past(t.Context())
	require.NoError(t, err)
	values := one.watch("A")
	before.commit()
	require.EqualValues(t, 11, await(t, values).Total())
}
