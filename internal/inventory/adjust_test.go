package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func adjust(token string, delta int64) inventory.AdjustStock {
	return inventory.AdjustStock{ClientToken: token, SKU: "A", Delta: delta, Reason: "CORRECTION"}
}

func TestAdjustmentBelowWhatIsClaimedIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.hold(3)
	s.done(inventory.CreateAllocation{ClientToken: "allocation", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}})

	e := s.refused(adjust("1", -6))
	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Equal(t, path("delta"), e.Field)
	require.Equal(t, "A", e.SKU)
	require.Equal(t, "default", e.Location)
	require.EqualValues(t, 6, e.Requested)
	require.EqualValues(t, 5, e.Available)

	level := s.done(adjust("1", -5)).Level
	require.EqualValues(t, 5, level.Total)
	require.Zero(t, level.Available())
}

func TestAdjustmentCreatesAMissingLevel(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := adjust("1", 4)
	c.Location, c.Reference = new("west"), new("delivery-7")

	level := s.done(c).Level

	require.Equal(t, &inventory.StockLevel{SKU: "A", Location: "west", Total: 4, Version: 1, UpdatedAt: noon}, level)
	require.Equal(t, inventory.Entry{
		At: noon, Action: inventory.ActionAdjusted, SKU: "A", Location: "west", TotalDelta: 4, After: level,
		Actor: somebody, Reason: "CORRECTION", Reference: "delivery-7", CommandID: s.last.ID,
		TokenKey: inventory.TokenKey(somebody, "1"),
	}, s.db.log[len(s.db.log)-1])
}

func TestNothingCanBeTakenFromAMissingLevel(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := adjust("1", -1)
	c.Location = new("west")
	e := s.refused(c)
	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Zero(t, e.Available)
	require.Len(t, s.db.levels, 1)
}

func TestExpectedVersionMustBeTheLevels(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		location string
		expected int64
		actual   int64
	}{
		"the level's":                    {"default", 1, 1},
		"none where there is none":       {"west", 0, 0},
		"none where there is one":        {"default", 0, 1},
		"one where there is none":        {"west", 1, 0},
		"an old one":                     {"default", 2, 1},
		"the largest that can be wanted": {"default", inventory.CounterMax, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			c := adjust("1", 1)
			c.Location, c.ExpectedVersion = &test.location, &test.expected
			if test.expected == test.actual {
				require.Equal(t, test.actual+1, s.done(c).Level.Version)
				return
			}
			e := s.refused(c)
			require.Equal(t, inventory.VersionConflict, e.Code)
			require.Equal(t, path("expectedVersion"), e.Field)
			require.Equal(t, test.expected, e.Expected)
			require.Equal(t, test.actual, e.Actual)
		})
	}
}

func TestTotalBeyondTheLargestCounterIsInvalidInput(t *testing.T) {
	t.Parallel()
	s := newShop(t, inventory.CounterMax-1)

	e := s.refused(adjust("1", 2))
	require.Equal(t, inventory.InvalidInput, e.Code)
	require.Equal(t, path("delta"), e.Field)
	require.Equal(t, inventory.InvalidInput, s.refused(adjust("1", inventory.CounterMax)).Code)

	require.EqualValues(t, inventory.CounterMax, s.done(adjust("1", 1)).Level.Total)
	require.Zero(t, s.done(adjust("2", -inventory.CounterMax)).Level.Total)
}

func TestAdjustmentOfWhatIsUnknownIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)

	c := adjust("1", 1)
	c.SKU = "GHOST"
	e := s.refused(c)
	require.Equal(t, inventory.UnknownSKU, e.Code)
	require.Equal(t, "GHOST", e.SKU)
	require.Equal(t, path("sku"), e.Field)

	c = adjust("1", 1)
	c.Location = new("moon")
	e = s.refused(c)
	require.Equal(t, inventory.UnknownLocation, e.Code)
	require.Equal(t, path("location"), e.Field)
}

func TestRepeatedAdjustmentChangesNothingAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := adjust("1", -10)
	c.ExpectedVersion = new(int64(1))
	s.done(c)
	s.done(adjust("2", 3))

	repeated := s.done(c)

	require.True(t, repeated.Replayed)
	require.Equal(t, s.level(), *repeated.Level, "as it now is")
	require.EqualValues(t, 3, repeated.Level.Total)
}
