package repo_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

var claimCases = []conformanceCase{
	{"HoldReservesItsUnits", func(w *world) {
		outcome := done(w, w.repo, inventory.CreateHold{
			ClientToken: "t", Lines: []inventory.LineRequest{line("A", 3)}, TTLSeconds: new(int32(60)), Reference: new("cart-1"),
		})
		r := *outcome.Reservation
		require.False(w, outcome.Replayed)
		require.Equal(w, inventory.Held, r.Status)
		require.Equal(w, "t", r.ClientToken)
		require.Equal(w, []inventory.Line{{SKU: "A", Location: "default", Quantity: 3}}, r.Lines)
		require.Equal(w, outcome.At, r.CreatedAt)
		require.Equal(w, outcome.At.Add(time.Minute), *r.ExpiresAt)
		require.Nil(w, r.CompletedAt)
		require.Equal(w, uuid.Version(7), uuid.MustParse(r.ID).Version())
		require.Equal(w, r, w.stored(r.ID))
		w.requireCounters("A", "default", 10, 3, 0)
		w.requireLogged("HELD A@default +0/+3/+0 -> 10/3/0 cart-1")
	}},

	{"HoldWithoutATTLLastsTheDefault", func(w *world) {
		r := w.hold("t", line("A", 1))
		require.Equal(w, r.CreatedAt.Add(15*time.Minute), *r.ExpiresAt)
	}},

	{"HoldOfSeveralLinesReservesThemAll", func(w *world) {
		r := w.hold("t", line("B", 4, "west"), line("A", 10), line("B", 1, "annex"))
		require.Equal(w, []inventory.Line{
			{SKU: "A", Location: "default", Quantity: 10},
			{SKU: "B", Location: "annex", Quantity: 1},
			{SKU: "B", Location: "west", Quantity: 4},
		}, r.Lines)
		require.Equal(w, r, w.stored(r.ID))
		w.requireLogged(
			"HELD A@default +0/+10/+0 -> 10/10/0",
			"HELD B@annex +0/+1/+0 -> 2/1/0",
			"HELD B@west +0/+4/+0 -> 4/4/0",
		)
	}},

	{"LineWithoutALocationDrawsOnDefaultFirst", func(w *world) {
		r := w.hold("t", line("B", 3))
		require.Equal(w, []inventory.Line{{SKU: "B", Location: "default", Quantity: 3}}, r.Lines)
		r = w.hold("t2", line("B", 1))
		require.Equal(w, []inventory.Line{{SKU: "B", Location: "annex", Quantity: 1}}, r.Lines)
	}},

	{"LineWithoutALocationSplitsOverLocations", func(w *world) {
		r := w.hold("t", line("B", 8))
		require.Equal(w, []inventory.Line{
			{SKU: "B", Location: "annex", Quantity: 2},
			{SKU: "B", Location: "default", Quantity: 3},
			{SKU: "B", Location: "west", Quantity: 3},
		}, r.Lines)
		require.Equal(w, r, w.stored(r.ID))
		require.Equal(w, 3, count(w, w.db, "SELECT line_count FROM reservations"))
		w.requireCounters("B", "west", 4, 3, 0)
	}},

	{"LineWithoutALocationGetsAllThatIsAvailable", func(w *world) {
		w.hold("t", line("B", 9))
		available, err := w.repo.Availability(w.Context(), []string{"B"}, nil)
		require.NoError(w, err)
		require.Zero(w, available[0].Available())
	}},

	{"LinesWithAndWithoutALocationShareOneLevel", func(w *world) {
		r := w.hold("t", line("B", 2), line("B", 3, "default"))
		require.Equal(w, []inventory.Line{
			{SKU: "B", Location: "annex", Quantity: 2},
			{SKU: "B", Location: "default", Quantity: 3},
		}, r.Lines)
		require.Equal(w, r, w.stored(r.ID))
	}},

	{"HoldBeyondAvailableIsRefusedForEveryShortLine", func(w *world) {
		w.hold("before", line("A", 4))
		refusals := w.refused(inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{
			line("A", 7), line("B", 1, "annex"), line("B", 5, "west"), line("B", 9, "default"),
		}})
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("lines", "0", "quantity"), SKU: "A", Requested: 7, Available: 6},
			{Code: inventory.InsufficientStock, Field: field("lines", "2", "quantity"), SKU: "B", Location: "west", Requested: 5, Available: 4},
			{Code: inventory.InsufficientStock, Field: field("lines", "3", "quantity"), SKU: "B", Location: "default", Requested: 9, Available: 3},
		}, refusals)
		w.requireCounters("B", "annex", 2, 0, 0)
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM reservations"))
		require.Equal(w, 0, count(w, w.db, "SELECT count(*) FROM client_tokens WHERE key = ?", inventory.TokenKey("default", "t")))
		w.requireLogged("HELD A@default +0/+4/+0 -> 10/4/0")
	}},

	{"RefusedHoldIsJudgedAnew", func(w *world) {
		w.refused(inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 11)}})
		w.adjust("more", "A", "default", 1)
		w.hold("t", line("A", 11))
	}},

	{"UnknownNamesAreRefused", func(w *world) {
		refusals := w.refused(inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{
			line("GHOST", 1), line("A", 1, "moon"), line("a", 1, "west"), line("A", 1),
		}})
		require.Equal(w, []*inventory.Error{
			{Code: inventory.UnknownSKU, Field: field("lines", "0", "sku"), SKU: "GHOST"},
			{Code: inventory.UnknownLocation, Field: field("lines", "1", "location")},
			{Code: inventory.UnknownSKU, Field: field("lines", "2", "sku"), SKU: "a"},
		}, refusals)
		w.requireLogged()
	}},

	{"LocationWithoutALevelHasNothingAvailable", func(w *world) {
		refusals := w.refused(inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 1, "west")}})
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("lines", "0", "quantity"), SKU: "A", Location: "west", Requested: 1},
		}, refusals)
		require.Equal(w, 0, count(w, w.db, "SELECT count(*) FROM stock_levels WHERE sku = 'A' AND location = 'west'"))
	}},

	{"AllocationTakesItsUnitsWithoutADeadline", func(w *world) {
		r := w.allocate("t", line("A", 2), line("B", 4))
		require.Equal(w, inventory.Allocated, r.Status)
		require.Nil(w, r.ExpiresAt)
		require.Nil(w, r.CompletedAt)
		require.Equal(w, r, w.stored(r.ID))
		w.requireLogged(
			"ALLOCATED A@default +0/+0/+2 -> 10/0/2",
			"ALLOCATED B@annex +0/+0/+1 -> 2/0/1",
			"ALLOCATED B@default +0/+0/+3 -> 3/0/3",
		)
	}},

	{"AllocationBeyondAvailableIsRefused", func(w *world) {
		w.hold("before", line("A", 1))
		refusals := w.refused(inventory.CreateAllocation{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 10)}})
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("lines", "0", "quantity"), SKU: "A", Requested: 10, Available: 9},
		}, refusals)
	}},

	{"InvalidInputIsRefusedBeforeItReachesTheDatabase", func(w *world) {
		refusals := w.refused(inventory.CreateHold{
			ClientToken: " ", Lines: []inventory.LineRequest{line("A", 0), line("A", 1), line("it's", 1)}, TTLSeconds: new(int32(0)),
		})
		var fields [][]string
		for _, e := range refusals {
			require.Equal(w, inventory.InvalidInput, e.Code)
			fields = append(fields, e.Field)
		}
		require.Equal(w, [][]string{
			field("clientToken"), field("lines", "0", "quantity"), field("lines", "1"), field("lines", "2", "sku"), field("ttlSeconds"),
		}, fields)
		w.requireLogged()
	}},
	{"HundredLinesMakeOneHold", func(w *world) {
		var asked []inventory.LineRequest
		for i := range 100 {
			sku := fmt.Sprintf("S%02d", i)
			createSKU(w, w.repo, sku, 1)
			asked = append(asked, line(sku, 1))
		}
		r := w.hold("t", asked...)
		require.Len(w, r.Lines, 100)
		require.Equal(w, r, w.stored(r.ID))
		require.Equal(w, 100, count(w, w.db, "SELECT sum(reserved) FROM stock_levels"))
		require.Empty(w, w.release(r.ID).Refused)
		require.Equal(w, 0, count(w, w.db, "SELECT sum(reserved) FROM stock_levels"))
	}},
}
