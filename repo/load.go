package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// locks are what a load locks before it reads, in this order.
type locks struct{ reservations, levels bool }

// load locks and reads what a group touches. The statements are in a function of
// the database (migrations, write_path), which keeps their plans.
func load(ctx context.Context, t *tx, lock locks, group footprint) (inventory.State, error) {
	skus, firsts, lasts := group.levelRanges()
	endSKUs, endLocations := splitKeys(group.logEnds)
	var loaded loadedRows
	err := t.query(ctx, "SELECT * FROM holdfast_load(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", []any{
		lock.reservations, lock.levels,
		pgdialect.Array(skus), pgdialect.Array(firsts), pgdialect.Array(lasts),
		pgdialect.Array(group.reservations), pgdialect.Array(group.tokens),
		pgdialect.Array(group.knownSKUs), pgdialect.Array(group.particulars), pgdialect.Array(group.locations),
		pgdialect.Array(endSKUs), pgdialect.Array(endLocations), pgdialect.Array(group.tried),
	}, loaded.columns()...)
	if err != nil {
		return inventory.State{}, err
	}
	return loaded.state()
}

// loadedRows is the answer of holdfast_load: a time, and JSON arrays of rows.
type loadedRows struct {
	now                                                                            time.Time
	levels, reservations, tokens, skus, particulars, locations, logEnds, committed []byte
}

func (l *loadedRows) columns() []any {
	return []any{&l.now, &l.levels, &l.reservations, &l.tokens, &l.skus, &l.particulars, &l.locations, &l.logEnds, &l.committed}
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
