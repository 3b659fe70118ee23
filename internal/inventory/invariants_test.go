package inventory_test

import (
	"fmt"
	"slices"

	"holdfast/internal/inventory"
)

// What always holds. Each is a query over all that is stored, and returns a
// row for each place where it doesn't hold.
//
//  1. No oversell: counters are never below zero, and what is reserved and
//     allocated never more than the total.
//  2. What is reserved is the sum of the lines of HELD reservations.
//  3. What is allocated is the sum of the lines of ALLOCATED reservations.
//  4. An audit entry's counters are its predecessor's plus its deltas; versions
//     have no gap; the last entry is the level. Counters begin anew with a repair.
//  5. A client token has at most one effect.
//  6. A reservation leaves HELD once, with one closing entry a line; and an
//     allocation ends once, with one more.
//  7. A hold ends by its holder's wish before its deadline, and expires from it
//     on.
//  8. A reservation has all its lines and entries, and no entry is an orphan.
var invariants = []func(*database) []string{
	oversold, misreserved, misallocated, brokenChains, overusedTokens, misclosed, mistimed, incomplete,
}

func (d *database) violations() []string {
	var rows []string
	for i, query := range invariants {
		for _, row := range query(d) {
			rows = append(rows, fmt.Sprintf("invariant %d: %s", i+1, row))
		}
	}
	return rows
}

func oversold(d *database) (rows []string) {
	for key, l := range d.levels {
		if l.Total < 0 || l.Reserved < 0 || l.Allocated < 0 || l.Reserved+l.Allocated > l.Total {
			rows = append(rows, fmt.Sprintf("%v: %+v", key, l))
		}
	}
	return rows
}

func misreserved(d *database) []string {
	return d.mismatch(inventory.Held, func(l inventory.StockLevel) int64 { return l.Reserved })
}

func misallocated(d *database) []string {
	return d.mismatch(inventory.Allocated, func(l inventory.StockLevel) int64 { return l.Allocated })
}

func (d *database) mismatch(status inventory.Status, counter func(inventory.StockLevel) int64) (rows []string) {
	sums := map[inventory.LevelKey]int64{}
	for _, r := range d.reservations {
		if r.Status == status {
			for _, line := range r.Lines {
				sums[line.Key()] += int64(line.Quantity)
			}
		}
	}
	for key, level := range d.levels {
		if counter(level) != sums[key] {
			rows = append(rows, fmt.Sprintf("%v: %d counted, %d in lines", key, counter(level), sums[key]))
		}
		delete(sums, key)
	}
	for key, sum := range sums {
		rows = append(rows, fmt.Sprintf("%v: no level, %d in lines", key, sum))
	}
	return rows
}

func brokenChains(d *database) (rows []string) {
	last, repaired := map[inventory.LevelKey]inventory.StockLevel{}, map[inventory.LevelKey]int64{}
	for _, e := range d.log {
		if e.Action == inventory.ActionRepaired {
			repaired[e.After.Key()] = e.After.Version
		}
	}
	for _, e := range d.log {
		if e.After == nil {
			if e.TotalDelta != 0 || e.ReservedDelta != 0 || e.AllocatedDelta != 0 || e.Location != "" {
				rows = append(rows, fmt.Sprintf("%+v changes a level that it doesn't name", e))
			}
			continue
		}
		key := inventory.LevelKey{SKU: e.SKU, Location: e.Location}
		before := last[key]
		follows := e.After.Total == before.Total+e.TotalDelta &&
			e.After.Reserved == before.Reserved+e.ReservedDelta &&
			e.After.Allocated == before.Allocated+e.AllocatedDelta
		isCounted := e.Action == inventory.ActionRepaired || e.After.Version > repaired[key]
		if e.After.Key() != key || e.After.Version != before.Version+1 || !e.After.UpdatedAt.Equal(e.At) || isCounted && !follows {
			rows = append(rows, fmt.Sprintf("%+v after %+v", e, before))
		}
		last[key] = *e.After
	}
	for key, level := range d.levels {
		if last[key] != level {
			rows = append(rows, fmt.Sprintf("%v: %+v, in the log %+v", key, level, last[key]))
		}
		delete(last, key)
	}
	for key := range last {
		rows = append(rows, fmt.Sprintf("%v: in the log, and no level", key))
	}
	return rows
}

func overusedTokens(d *database) (rows []string) {
	effects := map[string]int{}
	for _, r := range d.reservations {
		effects[inventory.TokenKey(r.Principal, r.ClientToken)]++
	}
	for _, e := range d.log {
		if e.TokenKey != "" {
			effects[e.TokenKey]++
		}
	}
	for key, count := range effects {
		if _, kept := d.tokens[key]; count != 1 || !kept {
			rows = append(rows, fmt.Sprintf("token %s: %d effects", key, count))
		}
	}
	if len(effects) != len(d.tokens) {
		rows = append(rows, fmt.Sprintf("%d tokens have an effect, of %d", len(effects), len(d.tokens)))
	}
	return rows
}

// closingActions end a hold, and lastActions an allocation.
var (
	closingActions = map[inventory.Action]inventory.Status{
		inventory.ActionConverted: inventory.Allocated,
		inventory.ActionReleased:  inventory.Released,
		inventory.ActionExpired:   inventory.Expired,
	}
	lastActions = map[inventory.Action]inventory.Status{
		inventory.ActionFulfilled: inventory.Fulfilled,
		inventory.ActionCancelled: inventory.Cancelled,
	}
)

// wasAllocated says whether the reservation is or was an allocation.
func wasAllocated(r inventory.Reservation) bool {
	return r.Status == inventory.Allocated || r.Status == inventory.Fulfilled || r.Status == inventory.Cancelled
}

// entriesOf has each reservation's entries that one of the actions wrote.
func (d *database) entriesOf(wanted func(inventory.Action) bool) map[string][]inventory.Entry {
	found := map[string][]inventory.Entry{}
	for _, e := range d.log {
		if wanted(e.Action) {
			found[e.ReservationID] = append(found[e.ReservationID], e)
		}
	}
	return found
}

func misclosed(d *database) (rows []string) {
	closing := d.entriesOf(func(a inventory.Action) bool { return closingActions[a] != "" })
	for id, r := range d.reservations {
		entries := closing[id]
		delete(closing, id)
		if r.CompletedAt == nil {
			neverHeld := wasAllocated(r) && r.ExpiresAt == nil
			if len(entries) > 0 || r.Status != inventory.Held && !neverHeld {
				rows = append(rows, fmt.Sprintf("%s is %s, has not left HELD, and has %d closing entries", id, r.Status, len(entries)))
			}
			continue
		}
		became := r.Status
		if wasAllocated(r) {
			became = inventory.Allocated
		}
		wrong := func(e inventory.Entry) bool {
			return closingActions[e.Action] != became || !e.At.Equal(*r.CompletedAt)
		}
		if !sameLines(r, entries) || slices.ContainsFunc(entries, wrong) {
			rows = append(rows, fmt.Sprintf("%s left HELD as %s at %s, by %+v", id, r.Status, r.CompletedAt, entries))
		}
	}
	return append(append(rows, orphans(closing)...), misended(d)...)
}

func misended(d *database) (rows []string) {
	last := d.entriesOf(func(a inventory.Action) bool { return lastActions[a] != "" })
	for id, r := range d.reservations {
		entries := last[id]
		delete(last, id)
		if r.Status != inventory.Fulfilled && r.Status != inventory.Cancelled {
			if len(entries) > 0 {
				rows = append(rows, fmt.Sprintf("%s is %s, and was ended by %+v", id, r.Status, entries))
			}
			continue
		}
		wrong := func(e inventory.Entry) bool {
			left := e.TotalDelta == e.AllocatedDelta
			return lastActions[e.Action] != r.Status || left != (r.Status == inventory.Fulfilled)
		}
		if !sameLines(r, entries) || slices.ContainsFunc(entries, wrong) {
			rows = append(rows, fmt.Sprintf("%s is %s, by %+v", id, r.Status, entries))
		}
	}
	return append(rows, orphans(last)...)
}

func mistimed(d *database) (rows []string) {
	for id, r := range d.reservations {
		if r.CompletedAt == nil {
			continue
		}
		inTime := r.CompletedAt.Before(*r.ExpiresAt)
		if inTime == (r.Status == inventory.Expired) {
			rows = append(rows, fmt.Sprintf("%s: %s at %s, due at %s", id, r.Status, r.CompletedAt, r.ExpiresAt))
		}
	}
	return rows
}

func incomplete(d *database) (rows []string) {
	opening := d.entriesOf(func(a inventory.Action) bool {
		return a == inventory.ActionHeld || a == inventory.ActionAllocated
	})
	for id, r := range d.reservations {
		if len(r.Lines) == 0 || !sameLines(r, opening[id]) {
			rows = append(rows, fmt.Sprintf("%s has lines %+v, opened by %+v", id, r.Lines, opening[id]))
		}
		delete(opening, id)
	}
	extended := d.entriesOf(func(a inventory.Action) bool { return a == inventory.ActionExtended })
	for id := range d.reservations {
		delete(extended, id)
	}
	return append(append(rows, orphans(opening)...), orphans(extended)...)
}

// sameLines says whether there is one entry for each line, and of its quantity.
func sameLines(r inventory.Reservation, entries []inventory.Entry) bool {
	return slices.EqualFunc(r.Lines, entries, func(line inventory.Line, e inventory.Entry) bool {
		moved := max(e.ReservedDelta, -e.ReservedDelta, e.AllocatedDelta, -e.AllocatedDelta)
		return line.SKU == e.SKU && line.Location == e.Location && int64(line.Quantity) == moved
	})
}

func orphans(entries map[string][]inventory.Entry) (rows []string) {
	for id, left := range entries {
		rows = append(rows, fmt.Sprintf("%d entries of %q, which doesn't exist", len(left), id))
	}
	return rows
}
