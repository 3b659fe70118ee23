package repo_test

import (
	"encoding/json"
	"fmt"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

var stockCases = []conformanceCase{
	{"AdjustmentChangesTheTotal", func(w *world) {
		outcome := done(w, w.repo, inventory.AdjustStock{
			ClientToken: "t", SKU: "A", Delta: 5, Reason: "FOUND", Reference: new("shelf 3"),
		})
		require.False(w, outcome.Replayed)
		want := inventory.StockLevel{SKU: "A", Location: "default", Total: 15, Version: 2, UpdatedAt: outcome.At}
		require.Equal(w, want, *outcome.Level)
		require.Equal(w, want, stockLevel(w, "A"))
		done(w, w.repo, inventory.AdjustStock{ClientToken: "t2", SKU: "A", Location: new("default"), Delta: -15, Reason: "LOST"})
		w.requireLogged(
			"ADJUSTED A@default +5/+0/+0 -> 15/0/0 FOUND shelf 3",
			"ADJUSTED A@default -15/+0/+0 -> 0/0/0 LOST",
		)
	}},

	{"AdjustmentCreatesTheLevel", func(w *world) {
		w.adjust("t", "A", "west", 7)
		w.requireCounters("A", "west", 7, 0, 0)
		require.EqualValues(w, 1, level(w, w.db, "A", "west").Version)
		w.hold("h", line("A", 17))
	}},

	{"AdjustmentBelowWhatIsTakenIsRefused", func(w *world) {
		w.hold("h", line("A", 4))
		w.allocate("a", line("A", 3))
		refusals := w.refused(inventory.AdjustStock{ClientToken: "t", SKU: "A", Delta: -4, Reason: "DAMAGED"})
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("delta"), SKU: "A", Location: "default", Requested: 4, Available: 3},
		}, refusals)
		w.adjust("t", "A", "default", -3)
		w.requireCounters("A", "default", 7, 4, 3)
	}},

	{"AdjustmentOfAnotherVersionIsRefused", func(w *world) {
		adjust := inventory.AdjustStock{ClientToken: "t", SKU: "A", Delta: 1, Reason: "FOUND", ExpectedVersion: new(int64(2))}
		require.Equal(w, []*inventory.Error{
			{Code: inventory.VersionConflict, Field: field("expectedVersion"), Expected: 2, Actual: 1},
		}, w.refused(adjust))
		w.hold("h", line("A", 1))
		require.EqualValues(w, 3, done(w, w.repo, adjust).Level.Version)
	}},

	{"ExpectedVersionZeroSaysThatThereIsNoLevel", func(w *world) {
		adjust := inventory.AdjustStock{ClientToken: "t", SKU: "A", Location: new("west"), Delta: 1, Reason: "FOUND", ExpectedVersion: new(int64(0))}
		require.EqualValues(w, 1, done(w, w.repo, adjust).Level.Version)
		adjust.ClientToken = "t2"
		require.Equal(w, []*inventory.Error{
			{Code: inventory.VersionConflict, Field: field("expectedVersion"), Expected: 0, Actual: 1},
		}, w.refused(adjust))
	}},

	{"AdjustmentOfUnknownNamesIsRefused", func(w *world) {
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownSKU, Field: field("sku"), SKU: "GHOST"}},
			w.refused(inventory.AdjustStock{ClientToken: "t", SKU: "GHOST", Delta: 1, Reason: "FOUND"}))
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownLocation, Field: field("location")}},
			w.refused(inventory.AdjustStock{ClientToken: "t", SKU: "A", Location: new("moon"), Delta: 1, Reason: "FOUND"}))
		w.requireLogged()
	}},

	{"CounterStaysBelowItsLimit", func(w *world) {
		w.adjust("t", "A", "default", inventory.CounterMax-10)
		w.requireCounters("A", "default", inventory.CounterMax, 0, 0)
		require.Equal(w, []*inventory.Error{{Code: inventory.InvalidInput, Field: field("delta")}},
			w.refused(inventory.AdjustStock{ClientToken: "t2", SKU: "A", Delta: 1, Reason: "FOUND"}))
		available, err := w.repo.Availability(w.Context(), []string{"A"}, nil)
		require.NoError(w, err)
		require.EqualValues(w, inventory.CounterMax, available[0].Available())
	}},

	{"SetTotalIsWhatWasCounted", func(w *world) {
		w.hold("h", line("A", 4))
		for i, total := range []int64{4, 4, 20, inventory.CounterMax} {
			outcome := done(w, w.repo, inventory.SetStock{ClientToken: fmt.Sprint(i), SKU: "A", Total: total, Reason: "CORRECTION", Reference: new("count 3")})
			require.False(w, outcome.Replayed)
			want := inventory.StockLevel{SKU: "A", Location: "default", Total: total, Reserved: 4, Version: int64(i) + 3, UpdatedAt: outcome.At}
			require.Equal(w, want, *outcome.Level)
			require.Equal(w, want, stockLevel(w, "A"))
		}
		w.requireLogged(
			"HELD A@default +0/+4/+0 -> 10/4/0",
			"SET A@default -6/+0/+0 -> 4/4/0 CORRECTION count 3",
			"SET A@default +0/+0/+0 -> 4/4/0 CORRECTION count 3",
			"SET A@default +16/+0/+0 -> 20/4/0 CORRECTION count 3",
			"SET A@default +9007199254740971/+0/+0 -> 9007199254740991/4/0 CORRECTION count 3",
		)
	}},

	{"SetTotalCreatesTheLevel", func(w *world) {
		done(w, w.repo, inventory.SetStock{ClientToken: "t", SKU: "A", Location: new("west"), Total: 7, Reason: "FOUND", ExpectedVersion: new(int64(0))})
		done(w, w.repo, inventory.SetStock{ClientToken: "t2", SKU: "A", Location: new("annex"), Reason: "LOST"})
		w.requireCounters("A", "west", 7, 0, 0)
		w.requireCounters("A", "annex", 0, 0, 0)
		w.requireLogged("SET A@west +7/+0/+0 -> 7/0/0 FOUND", "SET A@annex +0/+0/+0 -> 0/0/0 LOST")
		w.hold("h", line("A", 17))
	}},

	{"TotalBelowWhatIsTakenIsRefused", func(w *world) {
		w.hold("h", line("A", 4))
		w.allocate("a", line("A", 3))
		set := inventory.SetStock{ClientToken: "t", SKU: "A", Total: 6, Reason: "DAMAGED"}
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("total"), SKU: "A", Location: "default", Requested: 4, Available: 3},
		}, w.refused(set))
		set.Total = 7
		done(w, w.repo, set)
		w.requireCounters("A", "default", 7, 4, 3)
	}},

	{"TotalForAnotherVersionIsRefused", func(w *world) {
		set := inventory.SetStock{ClientToken: "t", SKU: "A", Total: 9, Reason: "LOST", ExpectedVersion: new(int64(2))}
		require.Equal(w, []*inventory.Error{
			{Code: inventory.VersionConflict, Field: field("expectedVersion"), Expected: 2, Actual: 1},
		}, w.refused(set))
		w.hold("h", line("A", 1))
		require.EqualValues(w, 3, done(w, w.repo, set).Level.Version)
	}},

	{"TotalOfUnknownNamesIsRefused", func(w *world) {
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownSKU, Field: field("sku"), SKU: "GHOST"}},
			w.refused(inventory.SetStock{ClientToken: "t", SKU: "GHOST", Total: 1, Reason: "FOUND"}))
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownLocation, Field: field("location")}},
			w.refused(inventory.SetStock{ClientToken: "t", SKU: "A", Location: new("moon"), Total: 1, Reason: "FOUND"}))
		w.requireLogged()
	}},

	{"SameTokenIsTheSameCount", func(w *world) {
		set := inventory.SetStock{ClientToken: "t", SKU: "A", Total: 3, Reason: "LOST", ExpectedVersion: new(int64(1))}
		done(w, w.repo, set)
		w.hold("h", line("A", 1))
		for _, again := range []inventory.Outcome{do(w, w.repo, set), w.byAnother(set)} {
			require.True(w, again.Replayed)
			require.Equal(w, stockLevel(w, "A"), *again.Level, "as it now is")
		}
		w.requireCounters("A", "default", 3, 1, 0)
	}},

	{"TokenIsSharedByAdjustmentsAndCounts", func(w *world) {
		adjust := inventory.AdjustStock{ClientToken: "a", SKU: "A", Delta: 1, Reason: "FOUND"}
		set := inventory.SetStock{ClientToken: "s", SKU: "A", Total: 0, Reason: "FOUND"}
		done(w, w.repo, adjust)
		done(w, w.repo, set)
		conflict := []*inventory.Error{
			{Code: inventory.IdempotencyConflict, Field: field("clientToken"), DifferingFields: []string{"delta", "operation", "total"}},
		}
		adjust.ClientToken, set.ClientToken = "s", "a"
		require.Equal(w, conflict, w.refused(adjust))
		require.Equal(w, conflict, w.refused(set))
		w.requireLogged("ADJUSTED A@default +1/+0/+0 -> 11/0/0 FOUND", "SET A@default -11/+0/+0 -> 0/0/0 FOUND")
	}},

	{"NewSKUHasItsStockAtOnce", func(w *world) {
		outcome := done(w, w.repo, inventory.CreateSKU{
			SKU: "C", Name: "Cup", InitialStock: new(int64(6)), Location: new("west"), Metadata: json.RawMessage(`{"size":2}`),
		})
		require.Equal(w, outcome.At, outcome.SKU.CreatedAt)
		requireStored(w, *outcome.SKU)
		w.requireCounters("C", "west", 6, 0, 0)
		w.requireLogged("CREATED C@west +6/+0/+0 -> 6/0/0")
	}},

	{"NewSKUWithoutStockHasNoLevel", func(w *world) {
		outcome := done(w, w.repo, inventory.CreateSKU{SKU: "C", Name: "Cup"})
		requireStored(w, *outcome.SKU)
		require.Equal(w, 0, count(w, w.db, "SELECT count(*) FROM stock_levels WHERE sku = 'C'"))
		w.requireLogged("CREATED C")
		require.Equal(w, []*inventory.Error{
			{Code: inventory.InsufficientStock, Field: field("lines", "0", "quantity"), SKU: "C", Requested: 1},
		}, w.refused(inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("C", 1)}}))
	}},

	{"NewSKUWithALocationAloneHasAnEmptyLevel", func(w *world) {
		done(w, w.repo, inventory.CreateSKU{SKU: "C", Name: "Cup", Location: new("west")})
		w.requireLogged("CREATED C@west +0/+0/+0 -> 0/0/0")
	}},

	{"SKUThatExistsIsNotCreatedAgain", func(w *world) {
		require.Equal(w, []*inventory.Error{{Code: inventory.AlreadyExists, Field: field("sku")}},
			w.refused(inventory.CreateSKU{SKU: "A", Name: "A", InitialStock: new(int64(10))}))
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownLocation, Field: field("location")}},
			w.refused(inventory.CreateSKU{SKU: "C", Name: "C", Location: new("moon")}))
		w.requireLogged()
	}},

	{"UpdatedSKUKeepsWhatIsNotGiven", func(w *world) {
		created := *done(w, w.repo, inventory.CreateSKU{SKU: "C", Name: "Cup", Metadata: json.RawMessage(`{"size":2}`)}).SKU
		outcome, err := w.repo.UpdateSKU(w.Context(), inventory.UpdateSKU{SKU: "C", Name: new("Mug")})
		require.NoError(w, err)
		created.Name = "Mug"
		requireSameSKU(w, created, *outcome.SKU)
		outcome, err = w.repo.UpdateSKU(w.Context(), inventory.UpdateSKU{SKU: "C", Metadata: json.RawMessage(`{}`)})
		require.NoError(w, err)
		created.Metadata = json.RawMessage(`{}`)
		requireSameSKU(w, created, *outcome.SKU)
		requireStored(w, created)

		outcome, err = w.repo.UpdateSKU(w.Context(), inventory.UpdateSKU{SKU: "GHOST", Name: new("Boo")})
		require.NoError(w, err)
		require.Equal(w, []*inventory.Error{{Code: inventory.UnknownSKU, Field: field("sku"), SKU: "GHOST"}}, w.requireRefused(outcome))
	}},
}

// stockLevel reads the level at the default location as clients see it.
func stockLevel(w *world, sku string) inventory.StockLevel {
	w.Helper()
	available, err := w.repo.Availability(w.Context(), []string{sku}, new("default"))
	require.NoError(w, err)
	require.Len(w, available[0].Locations, 1)
	return available[0].Locations[0]
}

func requireStored(w *world, want inventory.SKU) {
	w.Helper()
	stored, err := w.repo.SKU(w.Context(), want.Code)
	require.NoError(w, err)
	requireSameSKU(w, want, *stored)
}

// requireSameSKU compares metadata as objects: the database spells them in its
// own way.
func requireSameSKU(w *world, want, got inventory.SKU) {
	w.Helper()
	if want.Metadata != nil {
		require.JSONEq(w, string(want.Metadata), string(got.Metadata))
		want.Metadata, got.Metadata = nil, nil
	}
	require.Equal(w, want, got)
}
