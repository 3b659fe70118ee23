package inventory_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestSnapshotIsOfAllOrOfSomeSKUs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skus []string
		// fields are those at fault.
		fields [][]string
	}{
		{nil, nil},
		{[]string{"A", "B", "A"}, nil},
		{slices.Repeat([]string{"A"}, inventory.SKUsMax), nil},
		{[]string{}, [][]string{{"input", "skus"}}},
		{slices.Repeat([]string{""}, inventory.SKUsMax+1), [][]string{{"input", "skus"}}},
		{[]string{"", "A", "B C"}, [][]string{{"input", "skus", "0"}, {"input", "skus", "2"}}},
	} {
		var fields [][]string
		for _, e := range (inventory.TakeSnapshot{SKUs: c.skus}).Validate() {
			require.Equal(t, inventory.InvalidInput, e.Code)
			fields = append(fields, e.Field)
		}
		require.Equal(t, c.fields, fields)
	}
}
