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
	s.claimFive()

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

func TestAdjustmentBeyondTheLargestCounterIsInvalidInput(t *testing.T) {
	t.Parallel()
	s := newShop(t, inventory.CounterMax-1)

	e := s.refused(adjust("1", 2))
	require.Equal(t, inventory.InvalidInput, e.Code)
	require.Equal(t, path("delta"), e.Field)
	require.Equal(t, inventory.InvalidInput, s.refused(adjust("1", inventory.CounterMax)).Code)

	require.EqualValues(t, inventory.CounterMax, s.done(adjust("1", 1)).Level.Total)
	require.Zero(t, s.done(adjust("2", -inventory.CounterMax)).Level.Total)
}
