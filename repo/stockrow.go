package repo

import (
	"context"
	"encoding/json"
	"fmt"
)

// StockRow is a SKU with one of its levels, or without any.
type StockRow struct {
	SKU      string          `bun:"sku"`
	Name     string          `bun:"name"`
	Metadata json.RawMessage `bun:"metadata"`
	// Location and Total are nil for a SKU that has no level.
	Location *string `bun:"location"`
	Total    *int64  `bun:"total"`
}

// StockRows answers up to first rows in the order of SKU and location, after
// the one given; nil for the beginning. Each page is what was true when it was
// read: many pages are no snapshot.
func (r *Repo) StockRows(ctx context.Context, first int, after *StockRow) ([]StockRow, error) {
	sku, location := "", ""
	if after != nil {
		sku = after.SKU
		if after.Location != nil {
			location = *after.Location
		}
	}
	var rows []StockRow
	// LATERAL with a limit has each SKU's levels looked up by their key. The
	// planner might otherwise join and sort all there are, for each page.
	err := r.query(ctx, `SELECT s.sku, s.name, s.metadata, l.location, l.total
		FROM (SELECT sku, name, metadata FROM skus WHERE sku >= ? ORDER BY sku LIMIT ?) AS s
		LEFT JOIN LATERAL (
			SELECT location, total FROM stock_levels WHERE sku = s.sku AND (s.sku <> ? OR location > ?) ORDER BY location LIMIT ?
		) AS l ON true
		WHERE s.sku <> ? OR l.location IS NOT NULL
		ORDER BY s.sku, l.location LIMIT ?`,
		[]any{sku, first + 1, sku, location, first, sku, first}, &rows)
	if err != nil {
		return nil, fmt.Errorf("stock rows: %w", err)
	}
	return rows, nil
}
