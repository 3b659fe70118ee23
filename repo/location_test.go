package repo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestALocationIsCreatedOnceAndHoldsStock(t *testing.T) {
	t.Parallel()
	r := newRepo(t, pgtest.Open(t))
	outcome, err := r.CreateLocation(t.Context(), inventory.CreateLocation{Code: "berlin", Name: "Berlin"})
	require.NoError(t, err)
	require.Empty(t, outcome.Refused)
	require.Equal(t, &inventory.Location{Code: "berlin", Name: "Berlin"}, outcome.Location)

	outcome, err = r.CreateLocation(t.Context(), inventory.CreateLocation{Code: "berlin", Name: "Other"})
	require.NoError(t, err)
	require.Nil(t, outcome.Location)
	require.Equal(t, inventory.AlreadyExists, outcome.Refused[0].Code)
	require.Equal(t, []string{"input", "code"}, outcome.Refused[0].Field)

	createSKU(t, r, "A", 1)
	done(t, r, inventory.AdjustStock{ClientToken: "t", SKU: "A", Location: new("berlin"), Delta: 2, Reason: "RECEIVED"})
	split := hold(t, r, "h", line("A", 3))
	require.Equal(t, []inventory.Line{{SKU: "A", Location: "berlin", Quantity: 2}, {SKU: "A", Location: "default", Quantity: 1}}, split.Lines)
	requireConsistent(t, r)
}

func TestABadLocationIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	r := newRepo(t, pgtest.Open(t))
	for field, bad := range map[string]inventory.CreateLocation{
		"code": {Code: "not a code", Name: "Name"}, "name": {Code: "code", Name: strings.Repeat("x", 256)},
	} {
		outcome, err := r.CreateLocation(t.Context(), bad)
		require.NoError(t, err)
		require.Equal(t, inventory.InvalidInput, outcome.Refused[0].Code)
		require.Equal(t, []string{"input", field}, outcome.Refused[0].Field)
	}
}

func TestLocationsArePagedByCode(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	for i := range 4 {
		createLocations(t, db, fmt.Sprint("site-", i))
	}
	var codes []string
	page := repo.Page{First: 2}
	for more := true; more; {
		list, err := r.Locations(t.Context(), page)
		require.NoError(t, err)
		for _, location := range list.Items {
			codes = append(codes, location.Code)
		}
		more, page.After = list.More, &list.Cursors[len(list.Cursors)-1]
	}
	require.Equal(t, []string{"default", "site-0", "site-1", "site-2", "site-3"}, codes)

	past, err := r.Locations(t.Context(), repo.Page{First: 2, After: page.After})
	require.NoError(t, err)
	require.Empty(t, past.Items)
	_, err = r.Locations(t.Context(), repo.Page{First: 0})
	require.Error(t, err)
}
