package inventory_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"holdfast/internal/inventory"
)

// What `available` promises to a line without a location:
//
//   - For no more than that, it is served: by the default location first, then
//     by the others in the order of their codes, each emptied before the next.
//   - For more, it is refused and told exactly that number.
//   - Lines that name their location are served before it, wherever they stand
//     in the command; it gets what they leave.

func TestLineWithoutLocationGetsExactlyWhatAvailablePromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		levels := anyLevels(rt)
		available := availabilityOf(levels).Available()
		for quantity := int64(1); quantity <= available+2; quantity++ {
			outcome := hold(stateOf(levels...), inventory.LineRequest{SKU: "A", Quantity: int32(quantity)})

			if quantity > available {
				require.Nil(rt, outcome.Reservation)
				require.Len(rt, outcome.Refused, 1)
				requireShort(rt, outcome.Refused[0], 0, "", quantity, available)
				continue
			}
			require.Empty(rt, outcome.Refused)
			require.Equal(rt, drawn(levels, nil, quantity), outcome.Reservation.Lines)
		}
	})
}

func TestLinesThatNameTheirLocationAreServedFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		levels := anyLevels(rt)
		var lines []inventory.LineRequest
		taken := map[string]int64{}
		left := availabilityOf(levels).Available()
		for _, level := range availabilityOf(levels).Locations {
			if level.Available() > 0 && rapid.Bool().Draw(rt, "named") {
				quantity := rapid.Int32Range(1, int32(level.Available())).Draw(rt, "quantity")
				lines = append(lines, inventory.LineRequest{SKU: "A", Quantity: quantity, Location: new(level.Location)})
				taken[level.Location] = int64(quantity)
				left -= int64(quantity)
			}
		}
		place := rapid.IntRange(0, len(lines)).Draw(rt, "place")
		lines = slices.Insert(lines, place, inventory.LineRequest{SKU: "A"})
		for quantity := int64(1); quantity <= left+2; quantity++ {
			lines[place].Quantity = int32(quantity)

			outcome := hold(stateOf(levels...), lines...)

			if quantity > left {
				require.Len(rt, outcome.Refused, 1)
				requireShort(rt, outcome.Refused[0], place, "", quantity, left)
				continue
			}
			require.Empty(rt, outcome.Refused)
			require.Equal(rt, drawn(levels, taken, quantity), outcome.Reservation.Lines)
		}
	})
}

func TestWhatANamedLineCantHaveIsLeftToTheOthers(t *testing.T) {
	t.Parallel()
	state := stateOf(
		inventory.StockLevel{SKU: "A", Location: "default", Total: 3, Version: 1},
		inventory.StockLevel{SKU: "A", Location: "west", Total: 4, Version: 1})

	outcome := hold(state,
		inventory.LineRequest{SKU: "A", Quantity: 8},
		inventory.LineRequest{SKU: "A", Quantity: 5, Location: new("west")})

	require.Len(t, outcome.Refused, 2)
	requireShort(t, outcome.Refused[0], 0, "", 8, 7)
	requireShort(t, outcome.Refused[1], 1, "west", 5, 4)
}

func TestLevelMadeEarlierInTheGroupIsDrawnOnInItsPlace(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "west", Total: 5, Version: 1})
	requests := []inventory.Request{
		request(1, inventory.AdjustStock{ClientToken: "1", SKU: "A", Location: new("annex"), Delta: 2, Reason: "FOUND"}),
		request(2, inventory.AdjustStock{ClientToken: "2", SKU: "A", Delta: 1, Reason: "FOUND"}),
		request(3, inventory.CreateHold{ClientToken: "3", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}}),
		request(4, inventory.CreateHold{ClientToken: "4", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}}),
	}

	outcomes, _ := inventory.Decide(limits, state, requests)

	require.Equal(t, []inventory.Line{{SKU: "A", Location: "annex", Quantity: 1}, {SKU: "A", Location: "default", Quantity: 1}},
		outcomes[2].Reservation.Lines)
	require.Equal(t, []inventory.Line{{SKU: "A", Location: "annex", Quantity: 1}, {SKU: "A", Location: "west", Quantity: 1}},
		outcomes[3].Reservation.Lines)
}

// hold asks for the lines at noon, all of whose SKUs and locations exist.
func hold(state inventory.State, lines ...inventory.LineRequest) inventory.Outcome {
	for _, line := range lines {
		state.SKUs[line.SKU] = inventory.SKU{Code: line.SKU}
		if line.Location != nil {
			state.Locations[*line.Location] = true
		}
	}
	outcomes, _ := inventory.Decide(limits, state, []inventory.Request{
		request(1, inventory.CreateHold{ClientToken: "a token", Lines: lines}),
	})
	return outcomes[0]
}

// anyLevels draws levels of SKU A, and some of others that are none of its
// business.
func anyLevels(rt *rapid.T) []inventory.StockLevel {
	codes := rapid.SliceOfDistinct(rapid.SampledFrom([]string{
		"default", "DEFAULT", "annex", "a", "default-2", "zebra", "west", "0", "-", "de",
	}), rapid.ID[string]).Draw(rt, "locations")
	var levels []inventory.StockLevel
	for i, code := range codes {
		total := rapid.Int64Range(0, 12).Draw(rt, "total")
		reserved := rapid.Int64Range(0, total).Draw(rt, "reserved")
		levels = append(levels, inventory.StockLevel{
			SKU: "A", Location: code, Total: total, Reserved: reserved,
			Allocated: rapid.Int64Range(0, total-reserved).Draw(rt, "allocated"), Version: int64(i + 1),
		})
	}
	return append(levels, inventory.StockLevel{SKU: "B", Location: "default", Total: 1000, Version: 1})
}

// availabilityOf is what a storefront is shown of SKU A.
func availabilityOf(levels []inventory.StockLevel) inventory.Availability {
	shown := inventory.Availability{SKU: "A"}
	for _, level := range levels {
		if level.SKU == "A" {
			shown.Locations = append(shown.Locations, level)
		}
	}
	return shown
}

// drawn lays the locations end to end and cuts off what the quantity covers.
func drawn(levels []inventory.StockLevel, taken map[string]int64, quantity int64) []inventory.Line {
	rank := func(code string) string {
		if code == "default" {
			return "" // before every code
		}
		return code
	}
	ordered := slices.SortedFunc(slices.Values(availabilityOf(levels).Locations), func(a, b inventory.StockLevel) int {
		return cmp.Compare(rank(a.Location), rank(b.Location))
	})
	var lines []inventory.Line
	var from int64
	for _, level := range ordered {
		free := level.Available() - taken[level.Location]
		units := min(max(quantity-from, 0), free) + taken[level.Location]
		from += free
		if units > 0 {
			lines = append(lines, inventory.Line{SKU: "A", Location: level.Location, Quantity: int32(units)})
		}
	}
	slices.SortFunc(lines, func(a, b inventory.Line) int { return cmp.Compare(a.Location, b.Location) })
	return lines
}

func requireShort(t require.TestingT, e *inventory.Error, line int, location string, requested, available int64) {
	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Equal(t, []string{"input", "lines", fmt.Sprint(line), "quantity"}, e.Field)
	require.Equal(t, "A", e.SKU)
	require.Equal(t, location, e.Location)
	require.Equal(t, requested, e.Requested)
	require.Equal(t, available, e.Available)
}
