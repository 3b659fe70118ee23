package inventory

import (
	"maps"
	"slices"
	"time"
)

// State is what a group of requests touches, as loaded.
type State struct {
	// Now is the database's time, read after the rows were locked.
	Now time.Time
	// SKUs that exist, of those that the requests name. Names and metadata
	// decide nothing, and may be left out, but for those of Particulars.
	SKUs map[string]SKU
	// Locations that exist, of those that the requests name.
	Locations map[string]bool
	Levels    map[LevelKey]StockLevel
	// Reservations by id.
	Reservations map[string]Reservation
	// Tokens by key.
	Tokens map[string]Token
	// LogEnds are only of the levels that are to be repaired.
	LogEnds map[LevelKey]LogEnd
	// Committed has the ids of requests whose effect was found: they were
	// tried before, and that try did succeed.
	Committed map[string]bool
}

// Changes is what a group decided to write.
type Changes struct {
	At time.Time
	// Levels are in the order of their keys.
	Levels []LevelChange
	// Made and Moved are in the order of their ids.
	Made  []Reservation
	Moved []ReservationMove
	// Tokens are in the order of their keys.
	Tokens []Token
	// SKUs are new, and UpdatedSKUs have other particulars; both are in the
	// order of their codes.
	SKUs        []SKU
	UpdatedSKUs []SKUChange
	// Entries are in the order decided.
	Entries []Entry
}

// LevelChange is a stock level after the group, and what it was before.
type LevelChange struct {
	After StockLevel
	// VersionBefore is 0 for a level that is new.
	VersionBefore int64
}

// ReservationMove is a reservation after the group, and what it was before.
type ReservationMove struct {
	After          Reservation
	RevisionBefore int64
}

// SKUChange is a SKU after the group, and what it was before.
type SKUChange struct {
	After, Before SKU
}

// Empty says that there is nothing to write. A SKU's particulars are the one
// thing that changes without an entry.
func (c Changes) Empty() bool { return len(c.Entries) == 0 && len(c.UpdatedSKUs) == 0 }

// Decide decides the requests in the order given, each against what those
// before it left. It is pure: the same arguments give the same answer, and
// state is not changed.
func Decide(limits Limits, state State, requests []Request) ([]Outcome, Changes) {
	b := &batch{
		limits:       limits,
		state:        state,
		drawOrder:    newDrawOrder(state.Levels),
		levels:       map[LevelKey]StockLevel{},
		reservations: map[string]Reservation{},
		tokens:       map[string]Token{},
		skus:         map[string]SKU{},
	}
	outcomes := make([]Outcome, len(requests))
	for i, request := range requests {
		outcomes[i] = request.Command.decide(b, request)
		outcomes[i].At = state.Now
	}
	return outcomes, b.changes()
}

// batch is the state with what the requests decided so far laid over it.
type batch struct {
	limits       Limits
	state        State
	drawOrder    drawOrder
	levels       map[LevelKey]StockLevel
	reservations map[string]Reservation
	tokens       map[string]Token
	skus         map[string]SKU
	entries      []Entry
}

func (b *batch) level(key LevelKey) (StockLevel, bool) {
	if level, ok := b.levels[key]; ok {
		return level, true
	}
	level, ok := b.state.Levels[key]
	return level, ok
}

func (b *batch) sku(code string) (SKU, bool) {
	if sku, ok := b.skus[code]; ok {
		return sku, true
	}
	sku, ok := b.state.SKUs[code]
	return sku, ok
}

func (b *batch) hasLocation(code string) bool {
	return code == DefaultLocation || b.state.Locations[code]
}

// reservation returns the principal's reservation; somebody else's doesn't
// exist.
func (b *batch) reservation(id, principal string) (Reservation, bool) {
	r, ok := b.reservations[id]
	if !ok {
		r, ok = b.state.Reservations[id]
	}
	return r, ok && r.Principal == principal
}

func (b *batch) token(key string) (Token, bool) {
	if token, ok := b.tokens[key]; ok {
		return token, true
	}
	token, ok := b.state.Tokens[key]
	return token, ok
}

// step applies one command's change to one level: one version, one entry.
func (b *batch) step(key LevelKey, entry Entry) StockLevel {
	level, ok := b.level(key)
	if !ok {
		level = StockLevel{SKU: key.SKU, Location: key.Location}
		b.drawOrder.add(key)
	}
	level.Total += entry.TotalDelta
	level.Reserved += entry.ReservedDelta
	level.Allocated += entry.AllocatedDelta
	return b.put(level, entry)
}

// put lays the level over the one that was there, as its next version, with the
// entry that tells of it.
func (b *batch) put(level StockLevel, entry Entry) StockLevel {
	level.Version++
	level.UpdatedAt = b.state.Now
	b.levels[level.Key()] = level

	entry.SKU, entry.Location, entry.After = level.SKU, level.Location, &level
	b.record(entry)
	return level
}

// stepLines applies the entry's action to the level of each of the
// reservation's lines.
func (b *batch) stepLines(r Reservation, entry Entry) {
	effect := unitEffects[entry.Action]
	entry.ReservationID = r.ID
	for _, line := range r.Lines {
		quantity := int64(line.Quantity)
		entry.TotalDelta = effect.total * quantity
		entry.ReservedDelta = effect.reserved * quantity
		entry.AllocatedDelta = effect.allocated * quantity
		b.step(line.Key(), entry)
	}
}

// move takes the reservation to another state, and its lines with it.
func (b *batch) move(r Reservation, to Status, entry Entry) Reservation {
	if r.Status == Held {
		now := b.state.Now
		r.CompletedAt = &now
	}
	r.Status = to
	r.Revision++
	b.reservations[r.ID] = r
	b.stepLines(r, entry)
	return r
}

func (b *batch) useToken(request Request, key string, action Action, fields Fingerprint) {
	b.tokens[key] = Token{
		Key: key, Principal: request.Principal, Action: action, Fields: fields, CommandID: request.ID,
	}
}

func (b *batch) record(entry Entry) {
	entry.At = b.state.Now
	b.entries = append(b.entries, entry)
}

func (b *batch) changes() Changes {
	c := Changes{At: b.state.Now, Entries: b.entries}
	for _, key := range slices.SortedFunc(maps.Keys(b.levels), LevelKey.Compare) {
		c.Levels = append(c.Levels, LevelChange{b.levels[key], b.state.Levels[key].Version})
	}
	for _, id := range slices.Sorted(maps.Keys(b.reservations)) {
		after := b.reservations[id]
		if before, ok := b.state.Reservations[id]; ok {
			c.Moved = append(c.Moved, ReservationMove{after, before.Revision})
		} else {
			c.Made = append(c.Made, after)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.tokens)) {
		c.Tokens = append(c.Tokens, b.tokens[key])
	}
	for _, code := range slices.Sorted(maps.Keys(b.skus)) {
		after := b.skus[code]
		if before, ok := b.state.SKUs[code]; ok {
			c.UpdatedSKUs = append(c.UpdatedSKUs, SKUChange{after, before})
		} else {
			c.SKUs = append(c.SKUs, after)
		}
	}
	return c
}
