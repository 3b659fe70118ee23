package repo

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// selectPast answers one row for each SKU that there was at the moment, with its
// stock then; and one row without a SKU where there was none, or where nothing
// can be said of that moment.
//
// A level's state at a moment is the last one that the log has until then. Where
// the log begins later, it is the last one that was trimmed: it was reached
// before the moment, for the base is not later. Where there is neither, the
// level didn't exist. LIMIT has each level looked up by itself, by the index,
// however many there are.
const selectPast = `
	WITH kept AS MATERIALIZED (
		SELECT ?0::timestamptz AS moment, clock_timestamp() AS now,
			(SELECT taken_at FROM snapshots WHERE is_base) AS since, (SELECT id FROM snapshots WHERE is_base) AS base)
	SELECT k.now, k.since, s.sku, sum(past.total)::bigint AS total, sum(past.reserved)::bigint AS reserved, sum(past.allocated)::bigint AS allocated
	FROM kept AS k
	LEFT JOIN skus AS s ON s.sku = ANY(?1::text[]) AND s.created_at <= k.moment
		AND k.moment <= k.now AND (k.since IS NULL OR k.moment >= k.since)
	LEFT JOIN stock_levels AS l ON l.sku = s.sku
	LEFT JOIN LATERAL (
		SELECT total, reserved, allocated, version FROM audit_log
		WHERE sku = l.sku AND location = l.location AND version = holdfast_version_at(l.sku, l.location, k.moment)
		UNION ALL
		SELECT total, reserved, allocated, version FROM snapshot_levels
		WHERE sku = l.sku AND location = l.location AND snapshot_id = k.base
		ORDER BY version DESC LIMIT 1
	) AS past ON true
	GROUP BY k.now, k.since, s.sku`

type pastRow struct {
	Now       time.Time  `bun:"now"`
	Since     *time.Time `bun:"since"`
	SKU       string     `bun:"sku"`
	Total     int64      `bun:"total"`
	Reserved  int64      `bun:"reserved"`
	Allocated int64      `bun:"allocated"`
}

// AvailabilityAt answers what the stock of the SKUs was at a moment, in the
// order asked, nil for one that wasn't known then. The moment is none to come,
// nor one before the history that is kept. A change that is being committed at
// that very moment may still be missing. What breaks a rule is an
// *inventory.Error.
func (r *Repo) AvailabilityAt(ctx context.Context, skus []string, at time.Time) ([]*inventory.PastAvailability, error) {
	if problem := checkSKUs(skus); problem != nil {
		return nil, problem
	}
	var rows []pastRow
	if err := r.query(ctx, selectPast, []any{at, pgdialect.Array(skus)}, &rows); err != nil {
		return nil, fmt.Errorf("availability at a moment: %w", err)
	}
	bySKU := make(map[string]*inventory.PastAvailability, len(rows))
	for _, row := range rows {
		switch {
		case at.After(row.Now):
			return nil, badArgument("this moment is yet to come", "at")
		case row.Since != nil && at.Before(*row.Since):
			return nil, badArgument("history is kept since "+row.Since.UTC().Format(time.RFC3339Nano), "at")
		}
		bySKU[row.SKU] = &inventory.PastAvailability{
			SKU: row.SKU, At: at.UTC(), Total: row.Total, Reserved: row.Reserved, Allocated: row.Allocated,
		}
	}
	answer := make([]*inventory.PastAvailability, len(skus))
	for i, sku := range skus {
		answer[i] = bySKU[sku]
	}
	return answer, nil
}
