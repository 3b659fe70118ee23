package inventory_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func row(total int64) inventory.ImportSKU {
	return inventory.ImportSKU{
		ClientToken: "row", SKU: "A", Name: new("Apple"), Metadata: json.RawMessage(`{"size":38}`), Total: &total,
	}
}

func TestImportCreatesASKUThatIsNew(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	outcome := s.done(row(7))
	require.Equal(t, inventory.ImportCreated, outcome.Import)
	require.Equal(t, "Apple", s.db.skus["A"].Name)
	require.EqualValues(t, 7, s.level().Total)
	require.Len(t, s.db.log, 1)
	require.Equal(t, inventory.ActionCreated, s.db.log[0].Action)
	require.Empty(t, s.db.tokens, "a creation needs no token")
	require.Equal(t, inventory.ImportCreated, s.again().Import)
}

func TestImportOfANewSKUWithoutATotalMakesNoLevel(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	s.done(inventory.ImportSKU{ClientToken: "row", SKU: "A", Name: new("Apple"), Location: new("west")})
	require.Empty(t, s.db.levels)
}

func TestImportOfWhatIsSoAlreadyWritesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	s.done(row(7))
	for _, again := range []inventory.ImportSKU{
		row(7),
		{SKU: "A", Total: new(int64(7)), Location: new("default")},
		{SKU: "A", Name: new("Apple")},
		{SKU: "A", Metadata: json.RawMessage(`{"size":38}`)},
		{SKU: "A"},
	} {
		again.ClientToken = "another"
		require.Equal(t, inventory.ImportUnchanged, s.done(again).Import)
		require.Len(t, s.db.log, 1)
	}
}

func TestImportChangesWhatTheRowSays(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	created := s.db.skus["A"]
	require.Equal(t, inventory.ImportChanged, s.done(row(12)).Import)
	created.Name, created.Metadata = "Apple", json.RawMessage(`{"size":38}`)
	require.Equal(t, created, s.db.skus["A"])
	entry := s.db.log[1]
	require.Equal(t, inventory.ActionSet, entry.Action)
	require.EqualValues(t, 2, entry.TotalDelta)
	require.EqualValues(t, "CORRECTION", entry.Reason)
	require.Equal(t, inventory.ImportChanged, s.again().Import)
	require.Len(t, s.db.log, 2)

	s.done(inventory.ImportSKU{ClientToken: "named", SKU: "A", Name: new("Pear")})
	require.Equal(t, "Pear", s.db.skus["A"].Name)
	require.JSONEq(t, `{"size":38}`, string(s.db.skus["A"].Metadata))
	require.Len(t, s.db.log, 2, "particulars are not logged")
}

func TestImportMakesTheLevelThatIsMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	for _, total := range []int64{0, 3} {
		location := []string{"west", "annex"}[total/3]
		outcome := s.done(inventory.ImportSKU{ClientToken: "row " + location, SKU: "A", Location: &location, Total: &total})
		require.Equal(t, inventory.ImportChanged, outcome.Import)
		level, exists := s.db.levels[inventory.LevelKey{SKU: "A", Location: location}]
		require.True(t, exists)
		require.Equal(t, total, level.Total)
	}
}

func TestImportRefusesWhatCanNotBe(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.hold(4)

	low := row(3)
	e := s.refused(low)
	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Equal(t, path("total"), e.Field)
	require.Equal(t, "a total of 3 is less than the 4 that are reserved and allocated", e.Message)
	require.Equal(t, "A", s.db.skus["A"].Name, "all of the row or nothing")

	e = s.refused(inventory.ImportSKU{ClientToken: "row", SKU: "A", Location: new("moon")})
	require.Equal(t, inventory.UnknownLocation, e.Code)
	require.Equal(t, path("location"), e.Field)

	e = s.refused(inventory.ImportSKU{ClientToken: "row", SKU: "B", Total: new(int64(1))})
	require.Equal(t, inventory.InvalidInput, e.Code)
	require.Equal(t, path("name"), e.Field)
}

// TestImportOfOneSKUInOneGroup has each row judged by what those before it left.
func TestImportOfOneSKUInOneGroup(t *testing.T) {
	t.Parallel()
	group := []inventory.Request{
		request(1, inventory.ImportSKU{ClientToken: "1", SKU: "A", Name: new("Apple")}),
		request(2, inventory.ImportSKU{ClientToken: "2", SKU: "A", Location: new("west"), Total: new(int64(5))}),
		request(3, inventory.ImportSKU{ClientToken: "3", SKU: "A", Name: new("Pear"), Location: new("west"), Total: new(int64(5))}),
	}
	outcomes, changes := inventory.Decide(limits, stateOf(), group)
	require.Equal(t, inventory.ImportCreated, outcomes[0].Import)
	require.Equal(t, inventory.ImportChanged, outcomes[1].Import)
	require.Equal(t, inventory.ImportChanged, outcomes[2].Import)
	require.Len(t, changes.SKUs, 1)
	require.Equal(t, "Pear", changes.SKUs[0].Name)
	require.Empty(t, changes.UpdatedSKUs)
	require.Len(t, changes.Entries, 2)
}
