package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// A cursor that is declared and moved through, but not fetched from, locks its
// rows without returning them: the driver takes one result a message.

func lockReservations(m *message, group footprint) {
	if len(group.reservations) == 0 {
		return
	}
	m.add("DECLARE held CURSOR FOR SELECT 1 FROM reservations WHERE id = ANY(?::uuid[]) ORDER BY id FOR NO KEY UPDATE; MOVE ALL held; ",
		pgdialect.Array(group.reservations))
}

func lockLevels(m *message, group footprint) {
	if !group.touchesLevels() {
		return
	}
	m.add("DECLARE levels CURSOR FOR SELECT 1 FROM (")
	group.addLevels(m)
	m.add(") AS wanted JOIN stock_levels AS l USING (sku, location) ORDER BY l.sku, l.location FOR NO KEY UPDATE OF l; MOVE ALL levels; ")
}

// read adds to the message the one statement that reads everything, in one
// snapshot, and sends it.
func read(ctx context.Context, t *tx, m *message, group footprint) (inventory.State, error) {
	m.add("WITH used AS MATERIALIZED (SELECT * FROM client_tokens WHERE key = ANY(?::uuid[])) SELECT clock_timestamp()", pgdialect.Array(group.tokens))
	readLevels(m, group)
	readReservations(m, group)
	m.add(", (SELECT json_agg(used) FROM used)")
	m.add(", (SELECT json_agg(s) FROM (SELECT sku, command_id, created_at FROM skus WHERE sku = ANY(?::text[])) AS s)", pgdialect.Array(group.knownSKUs))
	readParticulars(m, group)
	m.add(", (SELECT json_agg(code) FROM locations WHERE code = ANY(?::text[]))", pgdialect.Array(group.locations))
	readLogEnds(m, group)
	readCommitted(m, group)

	var loaded loadedRows
	err := t.query(ctx, m.text.String(), m.args,
		&loaded.now, &loaded.levels, &loaded.reservations, &loaded.tokens, &loaded.skus, &loaded.particulars, &loaded.locations,
		&loaded.logEnds, &loaded.committed)
	if err != nil {
		return inventory.State{}, err
	}
	return loaded.state()
}

func readLevels(m *message, group footprint) {
	if !group.touchesLevels() {
		m.add(", NULL")
		return
	}
	m.add(", (SELECT json_agg(l) FROM (")
	group.addLevels(m)
	m.add(") AS wanted JOIN stock_levels AS l USING (sku, location))")
}

func readReservations(m *message, group footprint) {
	if len(group.reservations)+len(group.tokens) == 0 {
		m.add(", NULL")
		return
	}
	m.add(", (SELECT json_agg(r) FROM ("+selectReservations+" WHERE r.id = ANY(?::uuid[]) OR r.id = ANY(ARRAY(SELECT command_id FROM used))) AS r)",
		pgdialect.Array(group.reservations))
}

// readParticulars is apart from the other SKUs, so that a hold doesn't read
// what may be long.
func readParticulars(m *message, group footprint) {
	if len(group.particulars) == 0 {
		m.add(", NULL")
		return
	}
	m.add(", (SELECT json_agg(s) FROM (SELECT "+skuColumns+" FROM skus WHERE sku = ANY(?::text[])) AS s)", pgdialect.Array(group.particulars))
}

// readLogEnds is for repairs alone. A base stands for the entries before it.
func readLogEnds(m *message, group footprint) {
	if len(group.logEnds) == 0 {
		m.add(", NULL")
		return
	}
	skus, locations := splitKeys(group.logEnds)
	m.add(`, (SELECT json_agg(e) FROM (
		SELECT k.sku, k.location, last.total, last.reserved, last.allocated, settled.version AS settled_version, settled.command_id AS settled_by
		FROM unnest(?::text[], ?::text[]) AS k (sku, location)
		LEFT JOIN LATERAL (
			(SELECT version, total, reserved, allocated FROM audit_log AS a
			WHERE a.sku = k.sku AND a.location = k.location AND version IS NOT NULL ORDER BY version DESC LIMIT 1)
			UNION ALL SELECT version, total, reserved, allocated FROM base_levels AS b WHERE b.sku = k.sku AND b.location = k.location
			ORDER BY version DESC LIMIT 1) AS last ON true
		LEFT JOIN LATERAL (SELECT version, command_id FROM audit_log AS a
			WHERE a.sku = k.sku AND a.location = k.location AND action IN ('REPAIRED', 'SET') ORDER BY version DESC LIMIT 1) AS settled ON true) AS e)`,
		pgdialect.Array(skus), pgdialect.Array(locations))
}

// readCommitted is left out where it can be: while the log is new, the planner
// reads all of it to find nothing.
func readCommitted(m *message, group footprint) {
	if len(group.tried) == 0 {
		m.add(", NULL")
		return
	}
	m.add(", (SELECT json_agg(DISTINCT command_id) FROM audit_log WHERE reservation_id = ANY(?::uuid[]) AND command_id = ANY(?::uuid[]))",
		pgdialect.Array(group.reservations), pgdialect.Array(group.tried))
}

// loadedRows is the answer of read: a time, and JSON arrays of rows.
type loadedRows struct {
	now                                                                            time.Time
	levels, reservations, tokens, skus, particulars, locations, logEnds, committed []byte
}

func (l loadedRows) state() (inventory.State, error) {
	var (
		levels       []levelRow
		reservations []reservationRow
		tokens       []tokenRow
		skus         []skuRow
		particulars  []skuRow
		locations    []string
		logEnds      []logEndRow
		committed    []string
	)
	for _, part := range []struct {
		rows []byte
		dest any
	}{
		{l.levels, &levels},
		{l.reservations, &reservations},
		{l.tokens, &tokens},
		{l.skus, &skus},
		{l.particulars, &particulars},
		{l.locations, &locations},
		{l.logEnds, &logEnds},
		{l.committed, &committed},
	} {
		if part.rows == nil {
			continue
		}
		if err := json.Unmarshal(part.rows, part.dest); err != nil {
			return inventory.State{}, fmt.Errorf("load: %w", err)
		}
	}

	state := inventory.State{
		Now:          l.now.UTC(),
		SKUs:         make(map[string]inventory.SKU, len(skus)+len(particulars)),
		Locations:    make(map[string]bool, len(locations)),
		Levels:       make(map[inventory.LevelKey]inventory.StockLevel, len(levels)),
		Reservations: make(map[string]inventory.Reservation, len(reservations)),
		Tokens:       make(map[string]inventory.Token, len(tokens)),
		LogEnds:      make(map[inventory.LevelKey]inventory.LogEnd, len(logEnds)),
		Committed:    make(map[string]bool, len(committed)),
	}
	for _, row := range levels {
		state.Levels[inventory.LevelKey{SKU: row.SKU, Location: row.Location}] = row.level()
	}
	for _, row := range reservations {
		state.Reservations[row.ID] = row.reservation()
	}
	for _, row := range tokens {
		state.Tokens[row.Key] = row.token()
	}
	for _, row := range append(skus, particulars...) {
		state.SKUs[row.SKU] = row.sku()
	}
	for _, code := range locations {
		state.Locations[code] = true
	}
	for _, row := range logEnds {
		state.LogEnds[inventory.LevelKey{SKU: row.SKU, Location: row.Location}] = row.logEnd()
	}
	for _, id := range committed {
		state.Committed[id] = true
	}
	return state, nil
}
