package repo

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// save is one set-based statement that writes what a group decided: a part for
// each table, and for each part a guard that raises if it did not write as many
// rows as were decided. The guards stand in the select list and are worked out
// from left to right, and each sets off the part that it counts; so the parts
// run, and wait for locks, in the order in which they are added.
type save struct {
	parts, guards message
}

func (s *save) part(name string, text string, args ...any) {
	if s.parts.text.Len() == 0 {
		s.parts.add("WITH ")
	} else {
		s.parts.add(", ")
	}
	s.parts.add(name+" AS "+text, args...)
}

func (s *save) guard(text string, args ...any) {
	if s.guards.text.Len() > 0 {
		s.guards.add(", ")
	}
	s.guards.add(text, args...)
}

// rows adds a part that must write count rows.
func (s *save) rows(name string, count int, text string, args ...any) {
	if count == 0 {
		return
	}
	s.part(name, "("+text+" RETURNING 1)", args...)
	s.guard("holdfast_guard('"+name+"', ?, (SELECT count(*) FROM "+name+"))", count)
}

func (s *save) commit(ctx context.Context, t *tx) error {
	text := s.parts.text.String() + " SELECT " + s.guards.text.String()
	return t.commit(ctx, text, append(s.parts.args, s.guards.args...))
}

// lockUnmoved locks the levels, in order, that still have the version that was
// read. If any has moved, the save raises and names those.
func (s *save) lockUnmoved(changes inventory.Changes) {
	read := levelsRead(changes)
	if len(read.skus) == 0 {
		return
	}
	s.part("unmoved", "MATERIALIZED ("+selectUnmoved+" ORDER BY l.sku, l.location FOR NO KEY UPDATE OF l)", read.args()...)
	s.guard(`holdfast_unmoved((
		SELECT json_agg(json_build_array(w.sku, w.location)) FROM unnest(?::text[], ?::text[]) AS w (sku, location)
		WHERE NOT EXISTS (SELECT FROM unmoved AS u WHERE u.sku = w.sku AND u.location = w.location)))`,
		pgdialect.Array(read.skus), pgdialect.Array(read.locations))
}

// lockCreated locks levels that came into being while the others' locks were
// waited for. It is out of order to lock them now, so if somebody else has one
// the save raises, rather than wait.
func (s *save) lockCreated(changes inventory.Changes) {
	read := levelsRead(changes)
	if len(read.skus) == 0 {
		return
	}
	s.part("locked_levels", "MATERIALIZED ("+selectUnmoved+" FOR NO KEY UPDATE OF l SKIP LOCKED)", read.args()...)
	s.guard("holdfast_guard('locked_levels', ?, (SELECT count(*) FROM locked_levels))", len(read.skus))
}

const selectUnmoved = `SELECT l.sku, l.location FROM unnest(?::text[], ?::text[], ?::bigint[]) AS u (sku, location, version)
	JOIN stock_levels AS l ON l.sku = u.sku AND l.location = u.location AND l.version = u.version`

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

func (c readColumns) args() []any {
	return []any{pgdialect.Array(c.skus), pgdialect.Array(c.locations), pgdialect.Array(c.versions)}
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
	s.rows("updated_levels", len(updated.skus), `
		UPDATE stock_levels AS l SET total = u.total, reserved = u.reserved, allocated = u.allocated, version = u.version, updated_at = ?
		FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
			AS u (sku, location, total, reserved, allocated, version, version_before)
		WHERE l.sku = u.sku AND l.location = u.location AND l.version = u.version_before`,
		append([]any{changes.At}, append(updated.args(), pgdialect.Array(updated.before))...)...)
	s.rows("inserted_levels", len(inserted.skus), `
		INSERT INTO stock_levels (sku, location, total, reserved, allocated, version, updated_at)
		SELECT u.*, ? FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[]) AS u
		ON CONFLICT DO NOTHING`,
		append([]any{changes.At}, inserted.args()...)...)
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

func (c *levelColumns) args() []any {
	return []any{
		pgdialect.Array(c.skus), pgdialect.Array(c.locations), pgdialect.Array(c.total),
		pgdialect.Array(c.reserved), pgdialect.Array(c.allocated), pgdialect.Array(c.version),
	}
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
	s.rows("inserted_tokens", len(keys), `
		INSERT INTO client_tokens (key, principal, action, fields, command_id, created_at)
		SELECT u.*, ? FROM unnest(?::uuid[], ?::text[], ?::text[], ?::jsonb[], ?::uuid[]) AS u
		ON CONFLICT DO NOTHING`,
		changes.At, pgdialect.Array(keys), pgdialect.Array(principals), pgdialect.Array(actions),
		pgdialect.Array(fields), pgdialect.Array(commands))
}

func (s *save) writeSKUs(changes inventory.Changes) {
	var codes, names, metadata, commands []string
	for _, sku := range changes.SKUs {
		codes = append(codes, sku.Code)
		names = append(names, sku.Name)
		metadata = append(metadata, string(sku.Metadata))
		commands = append(commands, sku.CommandID)
	}
	s.rows("inserted_skus", len(codes), `
		INSERT INTO skus (sku, name, metadata, command_id, created_at)
		SELECT u.sku, u.name, NULLIF(u.metadata, '')::json, u.command_id, ?
		FROM unnest(?::text[], ?::text[], ?::text[], ?::uuid[]) AS u (sku, name, metadata, command_id)
		ON CONFLICT DO NOTHING`,
		changes.At, pgdialect.Array(codes), pgdialect.Array(names), pgdialect.Array(metadata), pgdialect.Array(commands))
}

// writeUpdatedSKUs writes over the particulars that were read, which have no
// space around their metadata, and none where it is null. They are locked in
// order, for nothing has locked them before.
func (s *save) writeUpdatedSKUs(changes inventory.Changes) {
	var codes, names, metadata, namesBefore, metadataBefore []string
	for _, change := range changes.UpdatedSKUs {
		codes = append(codes, change.After.Code)
		names = append(names, change.After.Name)
		metadata = append(metadata, string(change.After.Metadata))
		namesBefore = append(namesBefore, change.Before.Name)
		metadataBefore = append(metadataBefore, string(change.Before.Metadata))
	}
	s.rows("updated_skus", len(codes), `
		UPDATE skus AS s SET name = u.name, metadata = NULLIF(u.metadata, '')::json
		FROM (
			SELECT u.* FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
				AS u (sku, name, metadata, name_before, metadata_before)
			JOIN skus AS l ON l.sku = u.sku ORDER BY l.sku FOR NO KEY UPDATE OF l
		) AS u
		WHERE s.sku = u.sku AND s.name = u.name_before AND coalesce(nullif(btrim(s.metadata::text, E' \t\r\n'), 'null'), '') = u.metadata_before`,
		pgdialect.Array(codes), pgdialect.Array(names), pgdialect.Array(metadata),
		pgdialect.Array(namesBefore), pgdialect.Array(metadataBefore))
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
	s.rows("made", len(ids), `
		INSERT INTO reservations (id, principal, client_token, status, revision, line_count,
			created_at, expires_at, completed_at, holder, reference, metadata)
		SELECT u.id, u.principal, u.client_token, u.status, u.revision, u.line_count,
			?, NULLIF(u.expires_at, '')::timestamptz, NULLIF(u.completed_at, '')::timestamptz,
			NULLIF(u.holder, ''), NULLIF(u.reference, ''), NULLIF(u.metadata, '')::json
		FROM unnest(?::uuid[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[],
			?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
			AS u (id, principal, client_token, status, revision, line_count,
				expires_at, completed_at, holder, reference, metadata)`,
		changes.At, pgdialect.Array(ids), pgdialect.Array(principals), pgdialect.Array(tokens), pgdialect.Array(statuses),
		pgdialect.Array(revisions), pgdialect.Array(lineCounts), pgdialect.Array(deadlines),
		pgdialect.Array(completed), pgdialect.Array(holders), pgdialect.Array(references), pgdialect.Array(metadata))
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
	s.rows("moved", len(ids), `
		UPDATE reservations AS r SET status = u.status, revision = u.revision,
			expires_at = NULLIF(u.expires_at, '')::timestamptz, completed_at = NULLIF(u.completed_at, '')::timestamptz
		FROM unnest(?::uuid[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[])
			AS u (id, status, revision, revision_before, expires_at, completed_at)
		WHERE r.id = u.id AND r.revision = u.revision_before`,
		pgdialect.Array(ids), pgdialect.Array(statuses), pgdialect.Array(revisions), pgdialect.Array(before),
		pgdialect.Array(deadlines), pgdialect.Array(completed))
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
	s.rows("inserted_lines", len(skus), `
		INSERT INTO reservation_lines (reservation_id, sku, location, quantity)
		SELECT * FROM unnest(?::uuid[], ?::text[], ?::text[], ?::integer[])`,
		pgdialect.Array(reservations), pgdialect.Array(skus), pgdialect.Array(locations), pgdialect.Array(quantities))
}

// writeEntries writes an empty text for what is absent, which no value can be,
// and for the counters of an entry that concerns no level a version of 0.
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
	s.rows("inserted_entries", len(actions), `
		INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
			total, reserved, allocated, version, actor, reason, reference, command_id, token_key)
		SELECT ?, u.action, NULLIF(u.sku, ''), NULLIF(u.location, ''), NULLIF(u.reservation_id, '')::uuid,
			u.total_delta, u.reserved_delta, u.allocated_delta,
			CASE WHEN u.version > 0 THEN u.total END, CASE WHEN u.version > 0 THEN u.reserved END,
			CASE WHEN u.version > 0 THEN u.allocated END, NULLIF(u.version, 0),
			u.actor, NULLIF(u.reason, ''), NULLIF(u.reference, ''), u.command_id, NULLIF(u.token_key, '')::uuid
		FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[],
			?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::uuid[], ?::text[])
			AS u (action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
				total, reserved, allocated, version, actor, reason, reference, command_id, token_key)`,
		changes.At, pgdialect.Array(actions), pgdialect.Array(skus), pgdialect.Array(locations), pgdialect.Array(reservations),
		pgdialect.Array(totalDeltas), pgdialect.Array(reservedDeltas), pgdialect.Array(allocatedDeltas),
		pgdialect.Array(totals), pgdialect.Array(reserved), pgdialect.Array(allocated), pgdialect.Array(versions),
		pgdialect.Array(actors), pgdialect.Array(reasons), pgdialect.Array(references),
		pgdialect.Array(commands), pgdialect.Array(tokens))
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
