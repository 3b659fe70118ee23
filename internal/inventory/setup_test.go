package inventory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// shop has a database and a clock, and decides one command at a time. After
// each the invariants are checked.
type shop struct {
	t    *testing.T
	now  time.Time
	db   *database
	last inventory.Request
	made int // requests
}

// newShop has so many of SKU A at the default location, if any, and the
// locations annex and west.
func newShop(t *testing.T, units int64) *shop {
	t.Helper()
	s := &shop{t: t, now: noon, db: newDatabase("default", "annex", "west")}
	if units > 0 {
		s.done(inventory.CreateSKU{SKU: "A", Name: "A", InitialStock: &units})
	}
	return s
}

func (s *shop) do(command inventory.Command) inventory.Outcome {
	s.t.Helper()
	return s.doAs(somebody, command)
}

func (s *shop) doAs(principal string, command inventory.Command) inventory.Outcome {
	s.t.Helper()
	s.made++
	return s.run(inventory.Request{ID: uuid(s.made), Principal: principal, Command: command}, nil)
}

// again runs the last request once more, as after a COMMIT whose answer was
// lost.
func (s *shop) again() inventory.Outcome {
	s.t.Helper()
	return s.run(s.last, map[string]bool{s.last.ID: true})
}

func (s *shop) run(request inventory.Request, tried map[string]bool) inventory.Outcome {
	s.t.Helper()
	s.last = request
	require.Empty(s.t, request.Command.Validate(limits))
	group := []inventory.Request{request}
	outcomes, changes := inventory.Decide(limits, s.db.load(s.now, group, tried), group)
	require.NoError(s.t, s.db.apply(changes))
	require.Empty(s.t, s.db.violations())
	return outcomes[0]
}

func (s *shop) done(command inventory.Command) inventory.Outcome {
	s.t.Helper()
	outcome := s.do(command)
	require.Empty(s.t, outcome.Refused)
	return outcome
}

// refused does the command, which must be refused for one reason and change
// nothing.
func (s *shop) refused(command inventory.Command) *inventory.Error {
	s.t.Helper()
	entries := len(s.db.log)
	e := s.refusedOverdue(command)
	require.Len(s.t, s.db.log, entries, "something was changed")
	return e
}

// refusedOverdue does the command, which must be refused, and may end a hold.
func (s *shop) refusedOverdue(command inventory.Command) *inventory.Error {
	s.t.Helper()
	return requireRefused(s.t, s.do(command))
}

func requireRefused(t *testing.T, outcome inventory.Outcome) *inventory.Error {
	t.Helper()
	require.Len(t, outcome.Refused, 1)
	require.Nil(t, outcome.Reservation)
	require.Nil(t, outcome.Level)
	require.Nil(t, outcome.SKU)
	require.False(t, outcome.Replayed)
	return outcome.Refused[0]
}

// hold makes a hold of so many of SKU A.
func (s *shop) hold(quantity int32) *inventory.Reservation {
	s.t.Helper()
	return s.done(s.holdOf(quantity)).Reservation
}

// holdOf is a hold of so many of SKU A, under a token of its own.
func (s *shop) holdOf(quantity int32) inventory.CreateHold {
	return inventory.CreateHold{
		ClientToken: fmt.Sprint("token-", s.made), Lines: []inventory.LineRequest{{SKU: "A", Quantity: quantity}},
	}
}

// level is SKU A's at the default location.
func (s *shop) level() inventory.StockLevel {
	return s.db.levels[inventory.LevelKey{SKU: "A", Location: "default"}]
}
