package repo

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// save is one message that writes what a group decided: a call for each table of
// a procedure (migrations, write_path), which writes all the rows that it is
// given or raises, so that COMMIT is never reached. The calls are carried out,
// and wait for locks, in the order in which they are added.
type save struct{ message }

// rows adds a call that writes so many rows, if there are any. Beside a time, the
// arguments are columns, []string or []int64, with a value for each row.
func (s *save) rows(count int, procedure string, args ...any) {
	if count == 0 {
		return
	}
	for i, arg := range args {
		switch column := arg.(type) {
		case []string:
			args[i] = pgdialect.Array(packed(column))
		case []int64:
			args[i] = pgdialect.Array(packed(column))
		}
	}
	if s.text.Len() > 0 {
		s.add("; ")
	}
	s.add("CALL "+procedure+"(?"+strings.Repeat(", ?", len(args))+")", append([]any{count}, args...)...)
}

// packed is the one value that all rows of a column have, where they have: for all
// that absent columns hold, and for most of a hold's in a sale.
func packed[V comparable](column []V) []V {
	if slices.ContainsFunc(column, func(value V) bool { return value != column[0] }) {
		return column
	}
	return column[:1]
}

func (s *save) commit(ctx context.Context, t *tx) error {
	return t.commit(ctx, s.text.String(), s.args)
}

// lockUnmoved locks the levels, in order, that still have the version that was
// read. If any has moved, the save raises and names those.
func (s *save) lockUnmoved(changes inventory.Changes) {
	read := levelsRead(changes)
	if len(read.skus) > 0 {
		s.add("CALL holdfast_lock_unmoved(?, ?, ?)", pgdialect.Array(read.skus), pgdialect.Array(read.locations), pgdialect.Array(read.versions))
	}
}

// readColumns are the levels that were there to be read, and their versions.
type readColumns struct {
	skus, locations []string
	versions        []int64
}

func levelsRead(changes inventory.Changes) readColumns {
	var read readColumns
	for _, change := range changes.Levels {
		if change.VersionBefore > 0 {
			read.skus = append(read.skus, change.After.SKU)
			read.locations = append(read.locations, change.After.Location)
			read.versions = append(read.versions, change.VersionBefore)
		}
	}
	return read
}

// write adds the changes: levels before tokens, which is the lock order. Entries
// come last. Whoever has drawn an entry's id must have a transaction id, which
// comes with the first row that is locked or written: Look relies on it, to know
// when no entry is still to come.
func (s *save) write(changes inventory.Changes) {
	s.writeLevels(changes)
	s.writeTokens(changes)
	s.writeSKUs(changes)
	s.writeUpdatedSKUs(changes)
	s.writeMade(changes)
	s.writeMoved(changes.Moved)
	s.writeLines(changes.Made)
	s.writeEntries(changes)
}

func (s *save) writeLevels(changes inventory.Changes) {
	var updated, inserted levelColumns
	for _, change := range changes.Levels {
		if change.VersionBefore > 0 {
			updated.add(change)
		} else {
			inserted.add(change)
		}
	}
	s.rows(len(updated.skus), "holdfast_update_levels", append(updated.args(changes.At), updated.before)...)
	s.rows(len(inserted.skus), "holdfast_insert_levels", inserted.args(changes.At)...)
}

type levelColumns struct {
	skus, locations                             []string
	total, reserved, allocated, version, before []int64
}

func (c *levelColumns) add(change inventory.LevelChange) {
	level := change.After
	c.skus = append(c.skus, level.SKU)
	c.locations = append(c.locations, level.Location)
	c.total = append(c.total, level.Total)
	c.reserved = append(c.reserved, level.Reserved)
	c.allocated = append(c.allocated, level.Allocated)
	c.version = append(c.version, level.Version)
	c.before = append(c.before, change.VersionBefore)
}

func (c *levelColumns) args(at time.Time) []any {
	return []any{at, c.skus, c.locations, c.total, c.reserved, c.allocated, c.version}
}

func (s *save) writeTokens(changes inventory.Changes) {
	var keys, principals, actions, fields, commands []string
	for _, token := range changes.Tokens {
		keys = append(keys, token.Key)
		principals = append(principals, token.Principal)
		actions = append(actions, string(token.Action))
		fields = append(fields, encode(token.Fields))
		commands = append(commands, token.CommandID)
	}
	s.rows(len(keys), "holdfast_insert_tokens", changes.At, keys, principals, actions, fields, commands)
}

func (s *save) writeSKUs(changes inventory.Changes) {
	var codes, names, metadata, commands []string
	for _, sku := range changes.SKUs {
		codes = append(codes, sku.Code)
		names = append(names, sku.Name)
		metadata = append(metadata, string(sku.Metadata))
		commands = append(commands, sku.CommandID)
	}
	s.rows(len(codes), "holdfast_insert_skus", changes.At, codes, names, metadata, commands)
}

func (s *save) writeUpdatedSKUs(changes inventory.Changes) {
	var codes, names, metadata, namesBefore, metadataBefore []string
	for _, change := range changes.UpdatedSKUs {
		codes = append(codes, change.After.Code)
		names = append(names, change.After.Name)
		metadata = append(metadata, string(change.After.Metadata))
		namesBefore = append(namesBefore, change.Before.Name)
		metadataBefore = append(metadataBefore, string(change.Before.Metadata))
	}
	s.rows(len(codes), "holdfast_update_skus", codes, names, metadata, namesBefore, metadataBefore)
}

func (s *save) writeMade(changes inventory.Changes) {
	var ids, principals, tokens, statuses, deadlines, completed, holders, references, metadata []string
	var revisions, lineCounts []int64
	for _, r := range changes.Made {
		ids = append(ids, r.ID)
		principals = append(principals, r.Principal)
		tokens = append(tokens, r.ClientToken)
		statuses = append(statuses, string(r.Status))
		revisions = append(revisions, r.Revision)
		lineCounts = append(lineCounts, int64(len(r.Lines)))
		deadlines = append(deadlines, timestamp(r.ExpiresAt))
		completed = append(completed, timestamp(r.CompletedAt))
		holders = append(holders, orEmpty(r.Holder))
		references = append(references, orEmpty(r.Reference))
		metadata = append(metadata, string(r.Metadata))
	}
	s.rows(len(ids), "holdfast_insert_reservations", changes.At, ids, principals, tokens, statuses,
		revisions, lineCounts, deadlines, completed, holders, references, metadata)
}

func (s *save) writeMoved(moved []inventory.ReservationMove) {
	var ids, statuses, deadlines, completed []string
	var revisions, before []int64
	for _, move := range moved {
		ids = append(ids, move.After.ID)
		statuses = append(statuses, string(move.After.Status))
		revisions = append(revisions, move.After.Revision)
		before = append(before, move.RevisionBefore)
		deadlines = append(deadlines, timestamp(move.After.ExpiresAt))
		completed = append(completed, timestamp(move.After.CompletedAt))
	}
	s.rows(len(ids), "holdfast_update_reservations", ids, statuses, revisions, before, deadlines, completed)
}

func (s *save) writeLines(made []inventory.Reservation) {
	var reservations, skus, locations []string
	var quantities []int64
	for _, r := range made {
		for _, line := range r.Lines {
			reservations = append(reservations, r.ID)
			skus = append(skus, line.SKU)
			locations = append(locations, line.Location)
			quantities = append(quantities, int64(line.Quantity))
		}
	}
	s.rows(len(skus), "holdfast_insert_lines", reservations, skus, locations, quantities)
}

// writeEntries gives a version of 0 where an entry concerns no level.
func (s *save) writeEntries(changes inventory.Changes) {
	var actions, skus, locations, reservations, actors, reasons, references, commands, tokens []string
	var totalDeltas, reservedDeltas, allocatedDeltas, totals, reserved, allocated, versions []int64
	for _, entry := range changes.Entries {
		var after inventory.StockLevel
		if entry.After != nil {
			after = *entry.After
		}
		actions = append(actions, string(entry.Action))
		skus = append(skus, entry.SKU)
		locations = append(locations, entry.Location)
		reservations = append(reservations, entry.ReservationID)
		totalDeltas = append(totalDeltas, entry.TotalDelta)
		reservedDeltas = append(reservedDeltas, entry.ReservedDelta)
		allocatedDeltas = append(allocatedDeltas, entry.AllocatedDelta)
		totals = append(totals, after.Total)
		reserved = append(reserved, after.Reserved)
		allocated = append(allocated, after.Allocated)
		versions = append(versions, after.Version)
		actors = append(actors, entry.Actor)
		reasons = append(reasons, string(entry.Reason))
		references = append(references, entry.Reference)
		commands = append(commands, entry.CommandID)
		tokens = append(tokens, entry.TokenKey)
	}
	s.rows(len(actions), "holdfast_insert_entries", changes.At, actions, skus, locations, reservations,
		totalDeltas, reservedDeltas, allocatedDeltas, totals, reserved, allocated, versions, actors, reasons, references, commands, tokens)
}

func encode(fields inventory.Fingerprint) string {
	// A map of strings always encodes.
	encoded, _ := json.Marshal(fields)
	return string(encoded)
}

func timestamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
