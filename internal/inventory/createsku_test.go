package inventory_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestSKUCreatedWithoutStockHasNoLevel(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)

	sku := s.done(inventory.CreateSKU{SKU: "A", Name: "a name", Metadata: json.RawMessage(`{"size":38}`)}).SKU

	require.Equal(t, &inventory.SKU{
		Code: "A", Name: "a name", Metadata: json.RawMessage(`{"size":38}`), CreatedAt: noon, CommandID: s.last.ID,
	}, sku)
	require.Empty(t, s.db.levels)
	require.Equal(t, []inventory.Entry{{
		At: noon, Action: inventory.ActionCreated, SKU: "A", Actor: somebody, CommandID: s.last.ID,
	}}, s.db.log)
	e := s.refused(s.holdOf(1))
	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Zero(t, e.Available)
}

func TestSKUCreatedWithStockOrALocationHasALevel(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		command  inventory.CreateSKU
		location string
		total    int64
	}{
		"stock":                    {inventory.CreateSKU{InitialStock: new(int64(7))}, "default", 7},
		"stock of 0":               {inventory.CreateSKU{InitialStock: new(int64(0))}, "default", 0},
		"a location":               {inventory.CreateSKU{Location: new("west")}, "west", 0},
		"stock at a location":      {inventory.CreateSKU{InitialStock: new(int64(7)), Location: new("west")}, "west", 7},
		"the default, by its name": {inventory.CreateSKU{Location: new("default")}, "default", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 0)
			test.command.SKU, test.command.Name = "A", "A"
			s.done(test.command)
			level := inventory.StockLevel{SKU: "A", Location: test.location, Total: test.total, Version: 1, UpdatedAt: noon}
			require.Equal(t, map[inventory.LevelKey]inventory.StockLevel{level.Key(): level}, s.db.levels)
			require.Len(t, s.db.log, 1)
			require.Equal(t, inventory.ActionCreated, s.db.log[0].Action)
			require.Equal(t, test.total, s.db.log[0].TotalDelta)
		})
	}
}

func TestSKUThatExistsIsNotCreatedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	e := s.refused(inventory.CreateSKU{SKU: "A", Name: "A", InitialStock: new(int64(10))})
	require.Equal(t, inventory.AlreadyExists, e.Code)
	require.Equal(t, path("sku"), e.Field)
	s.done(inventory.CreateSKU{SKU: "a", Name: "codes differ by case"})
}

func TestSKUAtAnUnknownLocationIsNotCreated(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	e := s.refused(inventory.CreateSKU{SKU: "A", Name: "A", Location: new("moon")})
	require.Equal(t, inventory.UnknownLocation, e.Code)
	require.Equal(t, path("location"), e.Field)
	require.Empty(t, s.db.skus)
}
