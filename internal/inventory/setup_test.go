package inventory_test

import (
	"fmt"
	"time"

	"holdfast/internal/inventory"
)

var (
	limits = inventory.Limits{HoldTTL: 15 * time.Minute, HoldTTLMax: time.Hour, LinesMax: 100}
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const (
	somebody = "default"
	another  = "another"
)

// uuid is the n-th id.
func uuid(n int) string { return fmt.Sprintf("01890000-0000-7000-8000-%012x", n) }

func request(n int, command inventory.Command) inventory.Request {
	return inventory.Request{ID: uuid(n), Principal: somebody, Command: command}
}

// stateOf is what is there at noon: the levels, their SKUs, and the locations
// annex and west beside the default one. Annex sorts before default.
func stateOf(levels ...inventory.StockLevel) inventory.State {
	state := inventory.State{
		Now:          noon,
		SKUs:         map[string]inventory.SKU{},
		Locations:    map[string]bool{"annex": true, "default": true, "west": true},
		Levels:       map[inventory.LevelKey]inventory.StockLevel{},
		Reservations: map[string]inventory.Reservation{},
		Tokens:       map[string]inventory.Token{},
		Committed:    map[string]bool{},
	}
	for _, level := range levels {
		state.Levels[level.Key()] = level
		state.SKUs[level.SKU] = inventory.SKU{Code: level.SKU, CommandID: uuid(0)}
	}
	return state
}

// heldReservation was made a minute before noon, for a quarter of an hour.
func heldReservation(n int, lines ...inventory.Line) inventory.Reservation {
	made := noon.Add(-time.Minute)
	return inventory.Reservation{
		ID: uuid(n), Principal: somebody, Status: inventory.Held, ClientToken: fmt.Sprint("token-", n),
		Lines: lines, Revision: 1, CreatedAt: made, ExpiresAt: new(made.Add(limits.HoldTTL)),
	}
}
