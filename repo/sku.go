package repo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// skuColumns are a SKU's particulars: not those columns that serve the lists.
const skuColumns = "sku, name, metadata, command_id, created_at"

// SKU answers one SKU, or nil where there is none of this code.
func (r *Repo) SKU(ctx context.Context, code string) (*inventory.SKU, error) {
	if !inventory.ValidCode(code) {
		return nil, notASKU("sku")
	}
	bySKU, err := r.SKUsByCode(ctx, []string{code})
	return bySKU[code], err
}

// SKUsByCode answers those of the SKUs that there are.
func (r *Repo) SKUsByCode(ctx context.Context, codes []string) (map[string]*inventory.SKU, error) {
	found, err := r.selectSKUs(ctx, "", "SELECT "+skuColumns+" FROM skus WHERE sku = ANY(?::text[])", pgdialect.Array(codes))
	if err != nil {
		return nil, fmt.Errorf("SKUs by code: %w", err)
	}
	byCode := make(map[string]*inventory.SKU, len(found))
	for i, sku := range found {
		byCode[sku.Code] = &found[i]
	}
	return byCode, nil
}

// selectSKUs answers the SKUs that the query selects with their skuColumns, by
// code.
func (r *Repo) selectSKUs(ctx context.Context, settings, query string, args ...any) ([]inventory.SKU, error) {
	var encoded []json.RawMessage
	if err := r.query(ctx, settings+"SELECT to_json(s) FROM ("+query+") AS s ORDER BY s.sku", args, &encoded); err != nil {
		return nil, err
	}
	skus := make([]inventory.SKU, len(encoded))
	for i, row := range encoded {
		sku, err := decodeSKU(row)
		if err != nil {
			return nil, err
		}
		skus[i] = *sku
	}
	return skus, nil
}

// UpdateSKU changes the particulars that are given. Repeating it is safe. The
// errors are ErrOverloaded and ErrUnknownOutcome, and faults.
func (r *Repo) UpdateSKU(ctx context.Context, update inventory.UpdateSKU) (inventory.Outcome, error) {
	if invalid := update.Validate(); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	var metadata *string
	if update.Metadata != nil {
		given := string(update.Metadata)
		metadata = &given
	}
	var encoded []byte
	err := r.write(ctx, `UPDATE skus AS s SET name = coalesce(?, name), metadata = coalesce(?::json, metadata)
		WHERE sku = ? RETURNING (SELECT to_json(u) FROM (SELECT `+skuColumns+`) AS u)`, []any{update.Name, metadata, update.SKU}, &encoded)
	if err != nil {
		return inventory.Outcome{}, fmt.Errorf("update SKU: %w", err)
	}
	if encoded == nil {
		return inventory.Outcome{Refused: []*inventory.Error{update.Unknown()}}, nil
	}
	sku, err := decodeSKU(encoded)
	return inventory.Outcome{SKU: sku}, err
}

func decodeSKU(encoded []byte) (*inventory.SKU, error) {
	var row skuRow
	if err := json.Unmarshal(encoded, &row); err != nil {
		return nil, fmt.Errorf("SKU: %w", err)
	}
	sku := row.sku()
	return &sku, nil
}

// HasNoSKUs says whether there are none.
func (r *Repo) HasNoSKUs(ctx context.Context) (bool, error) {
	var none bool
	err := r.query(ctx, "SELECT NOT EXISTS (SELECT FROM skus)", nil, &none)
	return none, err
}
