package repo

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"holdfast/internal/inventory"
)

// SKU answers one SKU, or nil where there is none of this code.
func (r *Repo) SKU(ctx context.Context, code string) (*inventory.SKU, error) {
	if !inventory.ValidCode(code) {
		return nil, notASKU("sku")
	}
	var encoded []byte
	err := r.query(ctx, "SELECT to_json(s) FROM skus AS s WHERE sku = ?", []any{code}, &encoded)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("SKU: %w", err)
	}
	return decodeSKU(encoded)
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
		WHERE sku = ? RETURNING to_json(s)`, []any{update.Name, metadata, update.SKU}, &encoded)
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
