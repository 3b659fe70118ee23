package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// stockChange is what changes of stock by hand have in common.
type stockChange struct {
	token, sku      string
	location        *string
	reference       *string
	expectedVersion *int64
}

// stockChanges add four units to a level of the total, by its command.
var stockChanges = map[string]struct {
	command func(c stockChange, total int64) inventory.Command
	action  inventory.Action
}{
	"adjust": {func(c stockChange, _ int64) inventory.Command {
		return inventory.AdjustStock{
			ClientToken: c.token, SKU: c.sku, Location: c.location, Delta: 4,
			Reason: "FOUND", Reference: c.reference, ExpectedVersion: c.expectedVersion,
		}
	}, inventory.ActionAdjusted},
	"set": {func(c stockChange, total int64) inventory.Command {
		return inventory.SetStock{
			ClientToken: c.token, SKU: c.sku, Location: c.location, Total: total + 4,
			Reason: "FOUND", Reference: c.reference, ExpectedVersion: c.expectedVersion,
		}
	}, inventory.ActionSet},
}

func TestStockChangeCreatesAMissingLevel(t *testing.T) {
	t.Parallel()
	for name, change := range stockChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)

			level := s.done(change.command(stockChange{token: "1", sku: "A", location: new("west"), reference: new("delivery-7")}, 0)).Level

			require.Equal(t, &inventory.StockLevel{SKU: "A", Location: "west", Total: 4, Version: 1, UpdatedAt: noon}, level)
			require.Equal(t, inventory.Entry{
				At: noon, Action: change.action, SKU: "A", Location: "west", TotalDelta: 4, After: level,
				Actor: somebody, Reason: "FOUND", Reference: "delivery-7", CommandID: s.last.ID,
				TokenKey: inventory.TokenKey(somebody, "1"),
			}, s.db.log[len(s.db.log)-1])
		})
	}
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
		for verb, change := range stockChanges {
			t.Run(verb+" expecting "+name, func(t *testing.T) {
				t.Parallel()
				s := newShop(t, 10)
				c := change.command(stockChange{token: "1", sku: "A", location: &test.location, expectedVersion: &test.expected}, 10)
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
}

func TestStockChangeOfWhatIsUnknownIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range stockChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)

			e := s.refused(change.command(stockChange{token: "1", sku: "GHOST"}, 0))
			require.Equal(t, inventory.UnknownSKU, e.Code)
			require.Equal(t, "GHOST", e.SKU)
			require.Equal(t, path("sku"), e.Field)

			e = s.refused(change.command(stockChange{token: "1", sku: "A", location: new("moon")}, 0))
			require.Equal(t, inventory.UnknownLocation, e.Code)
			require.Equal(t, path("location"), e.Field)
		})
	}
}

func TestRepeatedStockChangeChangesNothingAgain(t *testing.T) {
	t.Parallel()
	for name, change := range stockChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			c := change.command(stockChange{token: "1", sku: "A", expectedVersion: new(int64(1))}, 10)
			s.done(c)
			s.done(adjust("2", -5))
			entries := len(s.db.log)

			repeated := s.done(c)

			require.True(t, repeated.Replayed)
			require.Equal(t, s.level(), *repeated.Level, "as it now is")
			require.EqualValues(t, 9, repeated.Level.Total)
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestTokenIsSharedByAdjustmentsAndCounts(t *testing.T) {
	t.Parallel()
	adjusted := adjust("1", 5)
	for name, test := range map[string]struct {
		first, second inventory.Command
		differ        []string
	}{
		"adjusted, then set":        {adjusted, set("1", 15), []string{"delta", "operation", "total"}},
		"adjusted, then set to 0":   {adjusted, set("1", 0), []string{"delta", "operation", "total"}},
		"set, then adjusted":        {set("1", 5), adjusted, []string{"delta", "operation", "total"}},
		"set, then set to another":  {set("1", 5), set("1", 6), []string{"total"}},
		"set to 0, then to another": {set("1", 0), set("1", 1), []string{"total"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.done(test.first)
			e := s.refused(test.second)
			require.Equal(t, inventory.IdempotencyConflict, e.Code)
			require.Equal(t, path("clientToken"), e.Field)
			require.Equal(t, test.differ, e.DifferingFields)
		})
	}
}
