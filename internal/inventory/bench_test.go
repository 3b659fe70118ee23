package inventory_test

import (
	"fmt"
	"testing"

	"holdfast/internal/inventory"
)

// A group as a flash sale makes it: everybody wants the one SKU.
func BenchmarkDecideHoldsOfOneSKU(b *testing.B) {
	state := stateOf(inventory.StockLevel{SKU: "HOT", Location: "default", Total: 1_000_000, Version: 1})
	requests := make([]inventory.Request, 256)
	for i := range requests {
		requests[i] = request(i+1, inventory.CreateHold{
			ClientToken: fmt.Sprint("token-", i),
			Lines:       []inventory.LineRequest{{SKU: "HOT", Quantity: 1}},
		})
	}
	benchmarkDecide(b, state, requests)
}

// As many lines as a group may have, each on a SKU of its own.
func BenchmarkDecideHoldsOfManySKUs(b *testing.B) {
	const linesEach = 8
	var levels []inventory.StockLevel
	requests := make([]inventory.Request, 256)
	for i := range requests {
		lines := make([]inventory.LineRequest, linesEach)
		for j := range lines {
			sku := fmt.Sprintf("SKU-%04d", linesEach*i+j)
			lines[j] = inventory.LineRequest{SKU: sku, Quantity: 3}
			levels = append(levels,
				inventory.StockLevel{SKU: sku, Location: "default", Total: 2, Version: 1},
				inventory.StockLevel{SKU: sku, Location: "west", Total: 2, Version: 1})
		}
		requests[i] = request(i+1, inventory.CreateHold{ClientToken: fmt.Sprint("token-", i), Lines: lines})
	}
	benchmarkDecide(b, stateOf(levels...), requests)
}

func BenchmarkDecideConversions(b *testing.B) {
	state := stateOf(inventory.StockLevel{SKU: "HOT", Location: "default", Total: 256, Reserved: 256, Version: 257})
	requests := make([]inventory.Request, 256)
	for i := range requests {
		held := heldReservation(i+1, inventory.Line{SKU: "HOT", Location: "default", Quantity: 1})
		state.Reservations[held.ID] = held
		requests[i] = request(1000+i, inventory.ConvertHold{ReservationID: held.ID})
	}
	benchmarkDecide(b, state, requests)
}

func benchmarkDecide(b *testing.B, state inventory.State, requests []inventory.Request) {
	b.ReportAllocs()
	for b.Loop() {
		outcomes, _ := inventory.Decide(limits, state, requests)
		if len(outcomes[len(outcomes)-1].Refused) > 0 {
			b.Fatal("refused")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(requests)), "ns/command")
}
