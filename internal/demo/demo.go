// Package demo fills an empty database with sample SKUs, so that a newcomer
// has something to hold.
package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

var samples = []struct {
	sku, name string
	stock     int64
	metadata  string
}{
	{"TSHIRT-BLACK-M", "T-shirt, black, M", 250, `{"color":"black","size":"M"}`},
	{"TSHIRT-WHITE-L", "T-shirt, white, L", 120, `{"color":"white","size":"L"}`},
	{"SNEAKER-RED-42", "Sneaker, red, 42", 40, `{"color":"red","size":42}`},
	{"POSTER-A2", "Poster, A2, numbered", 5, `{"edition":"first"}`},
	{"CONCERT-2027/FRONT-ROW", "Concert ticket, front row", 1, `{"seat":"A1"}`},
}

// Load creates the sample SKUs, unless there are any SKUs. It is safe to call
// from several servers at once.
func Load(ctx context.Context, r *repo.Repo) error {
	empty, err := r.HasNoSKUs(ctx)
	if err != nil || !empty {
		return err
	}
	for _, sample := range samples {
		_, err := r.Do(ctx, inventory.CreateSKU{
			SKU: sample.sku, Name: sample.name, InitialStock: &sample.stock, Metadata: json.RawMessage(sample.metadata),
		}, nil)
		if err != nil {
			return fmt.Errorf("sample SKUs: %w", err)
		}
	}
	return nil
}
