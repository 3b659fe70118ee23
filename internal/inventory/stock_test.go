package inventory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestAvailabilityIsTheSumOfItsLocations(t *testing.T) {
	t.Parallel()
	a := inventory.Availability{SKU: "A", CreatedAt: noon, Locations: []inventory.StockLevel{
		{SKU: "A", Location: "annex", Total: 10, Reserved: 3, Allocated: 2, Version: 7, UpdatedAt: noon.Add(2 * time.Hour)},
		{SKU: "A", Location: "default", Total: 5, Reserved: 1, Version: 4, UpdatedAt: noon.Add(time.Hour)},
	}}
	require.EqualValues(t, 15, a.Total())
	require.EqualValues(t, 4, a.Reserved())
	require.EqualValues(t, 2, a.Allocated())
	require.EqualValues(t, 9, a.Available())
	require.EqualValues(t, 11, a.Version())
	require.Equal(t, noon.Add(2*time.Hour), a.UpdatedAt())
}

func TestAvailabilityOfASKUWithoutLevelsIsNothing(t *testing.T) {
	t.Parallel()
	a := inventory.Availability{SKU: "A", CreatedAt: noon}
	require.Zero(t, a.Available())
	require.Zero(t, a.Version())
	require.Equal(t, noon, a.UpdatedAt())
}

func TestIDsTellThingsApart(t *testing.T) {
	t.Parallel()
	ids := []string{
		inventory.Availability{SKU: "A"}.ID(),
		inventory.Availability{SKU: "A", Location: new("default")}.ID(),
		inventory.Availability{SKU: "A", Location: new("west")}.ID(),
		inventory.Availability{SKU: "Awest"}.ID(),
		inventory.StockLevel{SKU: "A", Location: "default"}.ID(),
		inventory.StockLevel{SKU: "A", Location: "west"}.ID(),
		inventory.SKU{Code: "A"}.ID(),
		inventory.Location{Code: "A"}.ID(),
	}
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), 8)
}

func TestLevelKeysSortBySKUThenLocationByteByByte(t *testing.T) {
	t.Parallel()
	sorted := []inventory.LevelKey{{"-", "z"}, {"A", "a"}, {"A", "b"}, {"AB", "a"}, {"a", "A"}, {"a", "a"}}
	require.True(t, slices.IsSortedFunc(sorted, inventory.LevelKey.Compare))
	require.Zero(t, inventory.LevelKey{SKU: "A", Location: "a"}.Compare(inventory.LevelKey{SKU: "A", Location: "a"}))
}
