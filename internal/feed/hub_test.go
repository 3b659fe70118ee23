package feed

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestInboxThatIsNotTakenKeepsOneValuePerKey(t *testing.T) {
	t.Parallel()
	h := New(nil, nil, Options{}).levels
	in := h.listen("A", "B")
	for i := range int64(1000) {
		h.publish("A", inventory.StockLevel{SKU: "A", Location: "default", Version: i + 1})
		h.publish("A", inventory.StockLevel{SKU: "A", Location: "west", Version: 1000 - i})
		h.publish("B", inventory.StockLevel{SKU: "B", Location: "default", Version: 1})
		require.LessOrEqual(t, len(in.pending), 3)
		require.Len(t, in.ready, 1)
	}
	versions := map[inventory.LevelKey]int64{}
	for _, level := range in.take() {
		versions[level.Key()] = level.Version
	}
	require.Equal(t, map[inventory.LevelKey]int64{
		{SKU: "A", Location: "default"}: 1000, {SKU: "A", Location: "west"}: 1000, {SKU: "B", Location: "default"}: 1,
	}, versions)
	require.Empty(t, in.take())
}

func TestWatchThatIsNotReadOwesOneStatePerSKU(t *testing.T) {
	t.Parallel()
	watch := availabilityWatch{states: map[string]*inventory.Availability{}}
	for _, sku := range []string{"A", "B"} {
		watch.set(&inventory.Availability{SKU: sku})
	}
	for i := range int64(1000) {
		for _, sku := range []string{"B", "A"} {
			watch.update(inventory.StockLevel{SKU: sku, Location: "default", Version: i + 1})
			require.Equal(t, []string{"A", "B"}, watch.owed)
			require.Len(t, watch.states[sku].Locations, 1)
		}
	}
}

func TestOneWhoLeavesTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	h := New(nil, nil, Options{}).levels
	one, other := h.listen("A", "B", "A"), h.listen("B")
	h.leave(one)
	require.Equal(t, map[string]map[*inbox[inventory.StockLevel]]bool{"B": {other: true}}, h.listeners)
	h.publish("A", inventory.StockLevel{SKU: "A", Version: 1})
	h.publish("B", inventory.StockLevel{SKU: "B", Version: 1})
	require.Empty(t, one.take())
	require.Len(t, other.take(), 1)
	h.leave(other)
	require.Empty(t, h.listeners)
}
