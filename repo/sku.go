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
		return nil, badArgument("this is not a SKU: 1 to 64 characters from ASCII letters, digits and -_.:/", "sku")
	}
	return r.oneSKU(ctx, "SELECT to_json(s) FROM skus AS s WHERE sku = ?", code)
}

// UpdateSKU changes the particulars that are given. Repeating it is safe.
func (r *Repo) UpdateSKU(ctx context.Context, update inventory.UpdateSKU) (inventory.Outcome, error) {
	if invalid := update.Validate(); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	var metadata *string
	if update.Metadata != nil {
		given := string(update.Metadata)
		metadata = &given
	}
	sku, err := r.oneSKU(ctx, `UPDATE skus AS s SET name = coalesce(?, name), metadata = coalesce(?::json, metadata)
		WHERE sku = ? RETURNING to_json(s)`, update.Name, metadata, update.SKU)
	if err != nil || sku != nil {
		return inventory.Outcome{SKU: sku}, err
	}
	return inventory.Outcome{Refused: []*inventory.Error{update.Unknown()}}, nil
}

func (r *Repo) oneSKU(ctx context.Context, query string, args ...any) (*inventory.SKU, error) {
	var encoded []byte
	err := r.db.NewRaw(query, args...).Scan(ctx, &encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("SKU: %w", err)
	}
	var row skuRow
	if err := json.Unmarshal(encoded, &row); err != nil {
		return nil, fmt.Errorf("SKU: %w", err)
	}
	sku := row.sku()
	return &sku, nil
}

// Empty says whether there are no SKUs.
func (r *Repo) Empty(ctx context.Context) (bool, error) {
	var empty bool
	err := r.db.NewRaw("SELECT NOT EXISTS (SELECT FROM skus)").Scan(ctx, &empty)
	return empty, err
}
