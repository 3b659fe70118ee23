package inventory_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"holdfast/internal/inventory"
)

// database keeps what Decide wants written. It loads no more than footprints
// name, and writes only over what was loaded.
type database struct {
	locations    map[string]bool
	skus         map[string]inventory.SKU
	levels       map[inventory.LevelKey]inventory.StockLevel
	reservations map[string]inventory.Reservation
	tokens       map[string]inventory.Token
	log          []inventory.Entry
}

func newDatabase(locations ...string) *database {
	d := &database{
		locations:    map[string]bool{},
		skus:         map[string]inventory.SKU{},
		levels:       map[inventory.LevelKey]inventory.StockLevel{},
		reservations: map[string]inventory.Reservation{},
		tokens:       map[string]inventory.Token{},
	}
	for _, code := range locations {
		d.locations[code] = true
	}
	return d
}

// load returns what the requests touch, in copies. Those tried before may meet
// their own effect.
func (d *database) load(now time.Time, requests []inventory.Request, tried map[string]bool) inventory.State {
	s := inventory.State{
		Now:          now,
		SKUs:         map[string]inventory.SKU{},
		Locations:    map[string]bool{},
		Levels:       map[inventory.LevelKey]inventory.StockLevel{},
		Reservations: map[string]inventory.Reservation{},
		Tokens:       map[string]inventory.Token{},
		LogEnds:      map[inventory.LevelKey]inventory.LogEnd{},
		Committed:    map[string]bool{},
	}
	for _, r := range requests {
		footprint := r.Command.Footprint(r.Principal)
		for _, id := range footprint.Reservations {
			if found, ok := d.reservations[id]; ok {
				s.Reservations[id] = copied(found)
				for _, line := range found.Lines {
					s.Levels[line.Key()] = d.levels[line.Key()]
				}
				if tried[r.ID] && d.did(r.ID, id) {
					s.Committed[r.ID] = true
				}
			}
		}
		for _, key := range footprint.Levels {
			d.loadSKU(s, key.SKU)
			if level, ok := d.levels[key]; ok {
				s.Levels[key] = level
			}
		}
		for _, sku := range footprint.SKUs {
			d.loadSKU(s, sku)
			for key, level := range d.levels {
				if key.SKU == sku {
					s.Levels[key] = level
				}
			}
		}
		for _, key := range footprint.LogEnds {
			s.LogEnds[key] = d.logEnd(key)
		}
		for _, code := range footprint.Particulars {
			if sku, ok := d.skus[code]; ok {
				s.SKUs[code] = sku
			}
		}
		for _, code := range footprint.Locations {
			if d.locations[code] {
				s.Locations[code] = true
			}
		}
		if token, ok := d.tokens[footprint.TokenKey]; ok {
			token.Fields = maps.Clone(token.Fields)
			s.Tokens[token.Key] = token
			if made, ok := d.reservations[token.CommandID]; ok {
				s.Reservations[made.ID] = copied(made)
			}
		}
	}
	return s
}

func (d *database) loadSKU(s inventory.State, code string) {
	if _, loaded := s.SKUs[code]; loaded {
		return
	}
	if sku, ok := d.skus[code]; ok {
		// A name decides nothing, but for those who ask for particulars.
		s.SKUs[code] = inventory.SKU{Code: sku.Code, CommandID: sku.CommandID, CreatedAt: sku.CreatedAt}
	}
}

func (d *database) logEnd(key inventory.LevelKey) (end inventory.LogEnd) {
	for _, e := range d.log {
		if e.After == nil || e.After.Key() != key {
			continue
		}
		end.Total, end.Reserved, end.Allocated = e.After.Total, e.After.Reserved, e.After.Allocated
		if e.Action == inventory.ActionRepaired || e.Action == inventory.ActionSet {
			end.SettledVersion, end.SettledBy = e.After.Version, e.CommandID
		}
	}
	return end
}

func (d *database) did(commandID, reservationID string) bool {
	return slices.ContainsFunc(d.log, func(e inventory.Entry) bool {
		return e.CommandID == commandID && e.ReservationID == reservationID
	})
}

func copied(r inventory.Reservation) inventory.Reservation {
	r.Lines = slices.Clone(r.Lines)
	if r.ExpiresAt != nil {
		r.ExpiresAt = new(*r.ExpiresAt)
	}
	if r.CompletedAt != nil {
		r.CompletedAt = new(*r.CompletedAt)
	}
	return r
}

// apply writes all of the changes, or says which would not be over what was
// loaded.
func (d *database) apply(c inventory.Changes) error {
	for _, change := range c.Levels {
		key := change.After.Key()
		if d.levels[key].Version != change.VersionBefore {
			return fmt.Errorf("level %v: version %d, not %d", key, d.levels[key].Version, change.VersionBefore)
		}
		d.levels[key] = change.After
	}
	for _, made := range c.Made {
		if _, exists := d.reservations[made.ID]; exists {
			return fmt.Errorf("reservation %s was made before", made.ID)
		}
		d.reservations[made.ID] = made
	}
	for _, move := range c.Moved {
		before, ok := d.reservations[move.After.ID]
		if !ok || before.Revision != move.RevisionBefore {
			return fmt.Errorf("reservation %s: revision %d, not %d", move.After.ID, before.Revision, move.RevisionBefore)
		}
		// Neither lines nor what it was made with are written again.
		before.Status, before.Revision = move.After.Status, move.After.Revision
		before.ExpiresAt, before.CompletedAt = move.After.ExpiresAt, move.After.CompletedAt
		d.reservations[before.ID] = before
	}
	for _, token := range c.Tokens {
		if _, exists := d.tokens[token.Key]; exists {
			return fmt.Errorf("token %s was used before", token.Key)
		}
		d.tokens[token.Key] = token
	}
	for _, sku := range c.SKUs {
		if _, exists := d.skus[sku.Code]; exists {
			return fmt.Errorf("SKU %s exists", sku.Code)
		}
		d.skus[sku.Code] = sku
	}
	for _, change := range c.UpdatedSKUs {
		code := change.Before.Code
		if !reflect.DeepEqual(d.skus[code], change.Before) {
			return fmt.Errorf("SKU %s: %+v, not %+v", code, d.skus[code], change.Before)
		}
		// Nothing but its particulars is written again.
		sku := d.skus[code]
		sku.Name, sku.Metadata = change.After.Name, change.After.Metadata
		d.skus[code] = sku
	}
	d.log = append(d.log, c.Entries...)
	return nil
}

// inOrder says which of the changes stand in another order than documented.
func inOrder(c inventory.Changes) error {
	switch {
	case !slices.IsSortedFunc(c.Levels, func(a, b inventory.LevelChange) int { return a.After.Key().Compare(b.After.Key()) }):
		return fmt.Errorf("levels are out of order: %v", c.Levels)
	case !slices.IsSortedFunc(c.Made, func(a, b inventory.Reservation) int { return strings.Compare(a.ID, b.ID) }):
		return fmt.Errorf("made reservations are out of order: %v", c.Made)
	case !slices.IsSortedFunc(c.Moved, func(a, b inventory.ReservationMove) int { return strings.Compare(a.After.ID, b.After.ID) }):
		return fmt.Errorf("moved reservations are out of order: %v", c.Moved)
	case !slices.IsSortedFunc(c.SKUs, func(a, b inventory.SKU) int { return strings.Compare(a.Code, b.Code) }):
		return fmt.Errorf("SKUs are out of order: %v", c.SKUs)
	case !slices.IsSortedFunc(c.UpdatedSKUs, func(a, b inventory.SKUChange) int { return strings.Compare(a.After.Code, b.After.Code) }):
		return fmt.Errorf("updated SKUs are out of order: %v", c.UpdatedSKUs)
	case !slices.IsSortedFunc(c.Tokens, func(a, b inventory.Token) int { return strings.Compare(a.Key, b.Key) }):
		return fmt.Errorf("tokens are out of order: %v", c.Tokens)
	}
	return nil
}
