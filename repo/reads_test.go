package repo_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestAvailabilityIsInTheOrderAsked(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	answer, err := w.repo.Availability(t.Context(), []string{"B", "GHOST", "A", "B", "NEW"}, nil)
	require.NoError(t, err)
	require.Len(t, answer, 5)
	require.Nil(t, answer[1])
	require.Equal(t, []string{"B", "A", "B", "NEW"}, []string{answer[0].SKU, answer[2].SKU, answer[3].SKU, answer[4].SKU})
	require.Equal(t, answer[0], answer[3])
}

func TestAvailabilityIsTheSumOverLocations(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	hold(t, w.repo, "h", line("B", 4))
	done(t, w.repo, inventory.CreateAllocation{ClientToken: "a", Lines: []inventory.LineRequest{line("B", 1, "west")}})
	answer, err := w.repo.Availability(t.Context(), []string{"B", "NEW"}, nil)
	require.NoError(t, err)

	b := answer[0]
	require.Equal(t, []inventory.StockLevel{
		level(t, w.db, "B", "annex"), level(t, w.db, "B", "default"), level(t, w.db, "B", "west"),
	}, b.Locations)
	require.Equal(t, []int64{9, 4, 1, 4, 6}, []int64{b.Total(), b.Reserved(), b.Allocated(), b.Available(), b.Version()})
	require.Equal(t, b.Locations[2].UpdatedAt, b.UpdatedAt())

	unstocked := answer[1]
	require.Empty(t, unstocked.Locations)
	require.Zero(t, unstocked.Available())
	require.Equal(t, unstocked.CreatedAt, unstocked.UpdatedAt())
}

func TestAvailabilityAtALocationIsOfThatAlone(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	answer, err := w.repo.Availability(t.Context(), []string{"A", "B", "GHOST"}, new("west"))
	require.NoError(t, err)
	require.Empty(t, answer[0].Locations)
	require.EqualValues(t, 4, answer[1].Available())
	require.Equal(t, []inventory.StockLevel{level(t, w.db, "B", "west")}, answer[1].Locations)
	require.Nil(t, answer[2])

	anywhere, err := w.repo.Availability(t.Context(), []string{"B"}, nil)
	require.NoError(t, err)
	require.NotEqual(t, anywhere[0].ID(), answer[1].ID())
}

func TestAvailabilityRefusesWhatItCantAnswer(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	for _, c := range []struct {
		field    []string
		skus     []string
		location *string
	}{
		{[]string{"skus"}, slices.Repeat([]string{"A"}, 251), nil},
		{[]string{"skus", "1"}, []string{"A", ""}, nil},
		{[]string{"skus", "0"}, []string{"it's"}, nil},
		{[]string{"skus", "0"}, []string{strings.Repeat("A", 65)}, nil},
		{[]string{"skus", "2"}, []string{"A", "B", "\u202eA"}, nil},
		{[]string{"location"}, []string{"A"}, new("")},
		{[]string{"location"}, []string{"A"}, new("a b")},
		{[]string{"location"}, []string{"A"}, new("moon")},
		{[]string{"location"}, []string{"GHOST"}, new("moon")},
		{[]string{"location"}, nil, new("moon")},
	} {
		_, err := w.repo.Availability(t.Context(), c.skus, c.location)
		requireBadArgument(t, err, c.field...)
	}
}

func TestAvailabilityTakesNoneAndUpTo250SKUs(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	answer, err := w.repo.Availability(t.Context(), []string{}, nil)
	require.NoError(t, err)
	require.Empty(t, answer)

	var skus []string
	for n := range 250 {
		skus = append(skus, fmt.Sprint("S", n))
	}
	skus[249] = "A"
	answer, err = w.repo.Availability(t.Context(), skus, nil)
	require.NoError(t, err)
	require.Len(t, answer, 250)
	require.EqualValues(t, 10, answer[249].Available())
}

func TestBatchIsSeenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	createSKU(t, w.repo, "X", 1000)
	createSKU(t, w.repo, "Y", 1000)
	var over atomic.Bool
	var writers sync.WaitGroup
	defer writers.Wait()
	defer over.Store(true)
	for writer := range 4 {
		strategy := inventory.Strategies[writer%2]
		writers.Go(func() {
			for n := 0; !over.Load(); n++ {
				outcome, err := w.repo.Do(t.Context(), inventory.CreateHold{
					ClientToken: fmt.Sprintf("%d/%d", writer, n), Lines: []inventory.LineRequest{line("X", 1), line("Y", 1)},
				}, &strategy)
				if !assert.NoError(t, err) || !assert.Empty(t, outcome.Refused) {
					return
				}
				_, err = w.repo.Do(t.Context(), inventory.ReleaseHold{ReservationID: outcome.Reservation.ID}, &strategy)
				assert.NoError(t, err)
			}
		})
	}
	seen := map[int64]bool{}
	for n := 0; n < 200 || len(seen) < 3 && !t.Failed(); n++ {
		answer, err := w.repo.Availability(t.Context(), []string{"Y", "X"}, nil)
		require.NoError(t, err)
		require.Equal(t, answer[0].Version(), answer[1].Version())
		require.Equal(t, answer[0].Reserved(), answer[1].Reserved())
		seen[answer[0].Version()] = true
	}
}

func TestSKUIsFoundByItsExactCode(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	sku, err := w.repo.SKU(t.Context(), "A")
	require.NoError(t, err)
	require.Equal(t, "A", sku.Code)
	for _, code := range []string{"a", "GHOST", "A%", "_"} {
		sku, err = w.repo.SKU(t.Context(), code)
		if !inventory.ValidCode(code) {
			requireBadArgument(t, err, "sku")
			continue
		}
		require.NoError(t, err)
		require.Nil(t, sku)
	}
}

func TestNextExpiryIsTheEarliestDeadlineOfAHold(t *testing.T) {
	t.Parallel()
	w := newReads(t)
	requireNext := func(want *time.Time, sku string, location *string) {
		t.Helper()
		next, err := w.repo.NextExpiry(t.Context(), sku, location)
		require.NoError(t, err)
		require.Equal(t, want, next)
	}
	requireNext(nil, "A", nil)
	requireNext(nil, "GHOST", nil)

	hour := done(t, w.repo, inventory.CreateHold{ClientToken: "hour", Lines: []inventory.LineRequest{line("B", 1, "west")}, TTLSeconds: new(int32(3600))}).Reservation
	minute := done(t, w.repo, inventory.CreateHold{ClientToken: "minute", Lines: []inventory.LineRequest{line("B", 1, "annex"), line("A", 1)}, TTLSeconds: new(int32(60))}).Reservation
	requireNext(minute.ExpiresAt, "B", nil)
	requireNext(hour.ExpiresAt, "B", new("west"))
	requireNext(nil, "B", new("default"))
	requireNext(minute.ExpiresAt, "A", nil)

	done(t, w.repo, inventory.ConvertHold{ReservationID: minute.ID})
	requireNext(hour.ExpiresAt, "B", nil)
	requireNext(nil, "A", nil)
}

// reads is a database with SKUs A, of 10 units at default, B, of 2 at annex, 3
// at default and 4 at west, and NEW, which has no stock level.
type reads struct {
	db   *bun.DB
	repo *repo.Repo
}

func newReads(t *testing.T) *reads {
	t.Helper()
	db := pgtest.Open(t)
	w := newWorld(t, db, newRepo(t, db), inventory.Pessimistic)
	done(t, w.repo, inventory.CreateSKU{SKU: "NEW", Name: "New"})
	return &reads{db: db, repo: w.repo}
}

// requireBadArgument says that a query refused the argument of this path.
func requireBadArgument(t *testing.T, err error, field ...string) {
	t.Helper()
	var refused *inventory.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, inventory.InvalidInput, refused.Code)
	require.NotEmpty(t, refused.Message)
	require.Equal(t, field, refused.Field)
}
