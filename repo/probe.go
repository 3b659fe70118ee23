package repo

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// busyRows are rows that others hold or have changed: levels, and reservations
// that are such rows themselves or have a line on one of the levels.
type busyRows struct {
	levels       map[inventory.LevelKey]bool
	reservations map[string]bool
}

func newBusyRows() busyRows {
	return busyRows{levels: map[inventory.LevelKey]bool{}, reservations: map[string]bool{}}
}

func (b busyRows) none() bool { return len(b.levels)+len(b.reservations) == 0 }

func (b busyRows) touchedBy(c *call) bool {
	for _, id := range c.footprint.Reservations {
		if b.reservations[id] {
			return true
		}
	}
	for _, key := range c.footprint.Levels {
		if b.levels[key] {
			return true
		}
	}
	for _, sku := range c.footprint.SKUs {
		for key := range b.levels {
			if key.SKU == sku {
				return true
			}
		}
	}
	return false
}

// probe finds out which of the group's rows others have locked, without
// waiting, and keeps none of them.
func (r *Repo) probe(ctx context.Context, group footprint) (busyRows, error) {
	busy := newBusyRows()
	t, err := r.begin(ctx, patienceFor(groupLockTimeout).within(ctx))
	if err != nil {
		return busy, err
	}
	defer t.end(ctx)

	if len(group.reservations) > 0 {
		var m message
		m.add("WITH free AS MATERIALIZED (SELECT id FROM reservations WHERE id = ANY(?::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"+
			" SELECT json_agg(id) FROM reservations WHERE id = ANY(?::uuid[]) AND id NOT IN (SELECT id FROM free)",
			pgdialect.Array(group.reservations), pgdialect.Array(group.reservations))
		var ids []string
		if err := t.queryJSON(ctx, m, &ids); err != nil {
			return busy, err
		}
		for _, id := range ids {
			busy.reservations[id] = true
		}
	}

	if !group.touchesLevels() {
		return busy, nil
	}
	var m message
	skus, locations := splitKeys(group.levels)
	m.add("WITH wanted AS MATERIALIZED (SELECT * FROM holdfast_level_keys(?, ?, ?) UNION SELECT * FROM holdfast_line_keys(?)),",
		pgdialect.Array(group.wholeSKUs), pgdialect.Array(skus), pgdialect.Array(locations), pgdialect.Array(group.reservations))
	m.add(" free AS MATERIALIZED (SELECT l.sku, l.location FROM wanted JOIN stock_levels AS l USING (sku, location)" +
		" ORDER BY l.sku, l.location FOR NO KEY UPDATE OF l SKIP LOCKED)," +
		" busy AS (SELECT sku, location FROM wanted JOIN stock_levels USING (sku, location) EXCEPT SELECT sku, location FROM free)")
	m.add(" SELECT json_agg(json_build_array(b.sku, b.location, l.reservation_id)) FROM busy AS b LEFT JOIN reservation_lines AS l"+
		" ON l.sku = b.sku AND l.location = b.location AND l.reservation_id = ANY(?::uuid[])", pgdialect.Array(group.reservations))
	var rows [][3]*string
	if err := t.queryJSON(ctx, m, &rows); err != nil {
		return busy, err
	}
	for _, row := range rows {
		busy.levels[inventory.LevelKey{SKU: *row[0], Location: *row[1]}] = true
		if row[2] != nil {
			busy.reservations[*row[2]] = true
		}
	}
	return busy, nil
}

// queryJSON sends a message that answers one JSON value, or NULL, which leaves
// dest as it is.
func (t *tx) queryJSON(ctx context.Context, m message, dest any) error {
	var answer []byte
	if err := t.query(ctx, m.text.String(), m.args, &answer); err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(answer, dest)
}
