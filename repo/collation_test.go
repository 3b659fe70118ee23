package repo_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/migrations"
)

// A database may sort texts as people do, which codes must not be touched by.

// humanURL is of a new, migrated database where a comes before B, and - and _
// hardly count. It is dropped at t's end.
func humanURL(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	admin := openPool(t, address.String())
	name := strings.TrimPrefix(address.Path, "/") + "_human"
	_, err = admin.ExecContext(t.Context(), "CREATE DATABASE ? TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US-u-ka-shifted'", bun.Ident(name))
	if err != nil && strings.Contains(err.Error(), "ICU is not supported") {
		t.Skip("this PostgreSQL was built without ICU")
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP DATABASE ? WITH (FORCE)", bun.Ident(name))
		assert.NoError(t, err)
	})
	address.Path = "/" + name
	db, err := database.Open(address.String(), 2)
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	_, err = migrations.Apply(t.Context(), db)
	require.NoError(t, err)
	return address.String()
}

// What a hold locks is in our order, and what a release does in the database's.
func TestHoldsAndReleasesLockInOneOrderWhateverTheDatabaseSortsBy(t *testing.T) {
	t.Parallel()
	s := newServersOn(t, humanURL(t), inventory.Strategies)
	skus := []string{"B", "a", "A-2", "A1", "_b", "Z"}
	locations := []string{"default", "East", "_east", "a"}
	createLocations(t, s.db, locations[1:]...)
	for _, sku := range skus {
		createSKU(t, s.repos[0], sku, 100)
		for _, location := range locations[1:] {
			done(t, s.repos[1], inventory.AdjustStock{ClientToken: sku + "@" + location, SKU: sku, Location: &location, Delta: 100, Reason: "FOUND"})
		}
	}
	s.callers(24, func(caller int) {
		for n := range 25 {
			var lines []inventory.LineRequest
			for _, sku := range skus {
				one := line(sku, 1, pick(rand.New(rand.NewPCG(uint64(caller), uint64(n))), locations...))
				if n%2 == 0 {
					one.Location = nil
				}
				lines = append(lines, one)
			}
			held := s.do(caller, inventory.CreateHold{ClientToken: fmt.Sprint(caller, "/", n), Lines: lines})
			if !assert.Empty(t, held.Refused) {
				return
			}
			assert.True(t, slices.IsSortedFunc(held.Reservation.Lines, func(a, b inventory.Line) int { return a.Key().Compare(b.Key()) }))
			assert.Empty(t, s.do(caller+1, inventory.ReleaseHold{ReservationID: held.Reservation.ID}).Refused)
		}
	})
	requireSound(t, s.db)
	requireConsistent(t, s.repos[0])
	s.requireNoDeadlock()
}

func TestSymbolsAreNoWordsWhateverTheDatabaseSortsBy(t *testing.T) {
	t.Parallel()
	for _, at := range []string{pgtest.URL(t), humanURL(t)} {
		require.Zero(t, count(t, openPool(t, at), "SELECT cardinality(holdfast_words(?))", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
	}
}
