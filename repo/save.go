package repo

import (
	"context"
	"encoding/json"
	"maps"
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

// call adds a call of a procedure.
func (s *save) call(procedure string, args ...any) {
	if s.text.Len() > 0 {
		s.add("; ")
	}
	s.add("CALL "+procedure+"(?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

func (s *save) commit(ctx context.Context, t *tx) error {
	return t.commit(ctx, s.text.String(), s.args)
}

// each is a column: the value of each row, or the one that all rows have, which
// the saves take for all of them. So is most of what a sale writes, and what all
// leave out. There must be a row.
func each[R any, V comparable](rows []R, value func(*R) V) *pgdialect.ArrayValue {
	first := value(&rows[0])
	alike := 1
	for alike < len(rows) && value(&rows[alike]) == first {
		alike++
	}
	if alike == len(rows) {
		return pgdialect.Array([]V{first})
	}
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return pgdialect.Array(values)
}

// lockUnmoved locks the levels, in order, that still have the version that was
// read. If any has moved, the save raises and names those.
func (s *save) lockUnmoved(changes inventory.Changes) {
	var skus, locations []string
	var versions []int64
	for _, change := range changes.Levels {
		if change.VersionBefore > 0 {
			skus = append(skus, change.After.SKU)
			locations = append(locations, change.After.Location)
			versions = append(versions, change.VersionBefore)
		}
	}
	if len(skus) > 0 {
		s.call("holdfast_lock_unmoved", pgdialect.Array(skus), pgdialect.Array(locations), pgdialect.Array(versions))
	}
}

// write adds the changes: levels before tokens, which is the lock order. Entries
// come last. Whoever has drawn an entry's id must have a transaction id, which
// comes with the first row that is locked or written: Look relies on it, to know
// when no entry is still to come.
func (s *save) write(changes inventory.Changes) {
	s.writeLevels(changes)
	s.writeTokens(changes)
	s.writeSKUs(changes)
	s.writeUpdatedSKUs(changes.UpdatedSKUs)
	s.writeMade(changes)
	s.writeMoved(changes.Moved)
	s.writeLines(changes.Made)
	s.writeEntries(changes)
}

func (s *save) writeLevels(changes inventory.Changes) {
	var updated, inserted []inventory.LevelChange
	for _, change := range changes.Levels {
		if change.VersionBefore > 0 {
			updated = append(updated, change)
		} else {
			inserted = append(inserted, change)
		}
	}
	if len(updated) > 0 {
		before := each(updated, func(c *inventory.LevelChange) int64 { return c.VersionBefore })
		s.call("holdfast_update_levels", append(levelColumns(changes.At, updated), before)...)
	}
	if len(inserted) > 0 {
		s.call("holdfast_insert_levels", levelColumns(changes.At, inserted)...)
	}
}

func levelColumns(at time.Time, rows []inventory.LevelChange) []any {
	return []any{
		len(rows), at,
		each(rows, func(c *inventory.LevelChange) string { return c.After.SKU }),
		each(rows, func(c *inventory.LevelChange) string { return c.After.Location }),
		each(rows, func(c *inventory.LevelChange) int64 { return c.After.Total }),
		each(rows, func(c *inventory.LevelChange) int64 { return c.After.Reserved }),
		each(rows, func(c *inventory.LevelChange) int64 { return c.After.Allocated }),
		each(rows, func(c *inventory.LevelChange) int64 { return c.After.Version }),
	}
}

func (s *save) writeTokens(changes inventory.Changes) {
	rows := changes.Tokens
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_insert_tokens", len(rows), changes.At,
		each(rows, func(t *inventory.Token) string { return t.Key }),
		each(rows, func(t *inventory.Token) string { return t.Principal }),
		each(rows, func(t *inventory.Token) string { return string(t.Action) }),
		each(rows, fieldsEncoder()),
		each(rows, func(t *inventory.Token) string { return t.CommandID }),
	)
}

// fieldsEncoder encodes the fields of one token after the other. In a sale most
// ask for the same, so that what was encoded last is kept.
func fieldsEncoder() func(*inventory.Token) string {
	var last inventory.Fingerprint
	var encoded string
	return func(t *inventory.Token) string {
		if encoded == "" || !maps.Equal(t.Fields, last) {
			text, _ := json.Marshal(t.Fields) // a map of strings always encodes
			last, encoded = t.Fields, string(text)
		}
		return encoded
	}
}

func (s *save) writeSKUs(changes inventory.Changes) {
	rows := changes.SKUs
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_insert_skus", len(rows), changes.At,
		each(rows, func(sku *inventory.SKU) string { return sku.Code }),
		each(rows, func(sku *inventory.SKU) string { return sku.Name }),
		each(rows, func(sku *inventory.SKU) string { return string(sku.Metadata) }),
		each(rows, func(sku *inventory.SKU) string { return sku.CommandID }),
	)
}

func (s *save) writeUpdatedSKUs(rows []inventory.SKUChange) {
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_update_skus", len(rows),
		each(rows, func(c *inventory.SKUChange) string { return c.After.Code }),
		each(rows, func(c *inventory.SKUChange) string { return c.After.Name }),
		each(rows, func(c *inventory.SKUChange) string { return string(c.After.Metadata) }),
		each(rows, func(c *inventory.SKUChange) string { return c.Before.Name }),
		each(rows, func(c *inventory.SKUChange) string { return string(c.Before.Metadata) }),
	)
}

func (s *save) writeMade(changes inventory.Changes) {
	rows := changes.Made
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_insert_reservations", len(rows), changes.At,
		each(rows, func(r *inventory.Reservation) string { return r.ID }),
		each(rows, func(r *inventory.Reservation) string { return r.Principal }),
		each(rows, func(r *inventory.Reservation) string { return r.ClientToken }),
		each(rows, func(r *inventory.Reservation) string { return string(r.Status) }),
		each(rows, func(r *inventory.Reservation) int64 { return r.Revision }),
		each(rows, func(r *inventory.Reservation) int64 { return int64(len(r.Lines)) }),
		each(rows, func(r *inventory.Reservation) string { return timestamp(r.ExpiresAt) }),
		each(rows, func(r *inventory.Reservation) string { return timestamp(r.CompletedAt) }),
		each(rows, func(r *inventory.Reservation) string { return orEmpty(r.Holder) }),
		each(rows, func(r *inventory.Reservation) string { return orEmpty(r.Reference) }),
		each(rows, func(r *inventory.Reservation) string { return string(r.Metadata) }),
	)
}

func (s *save) writeMoved(rows []inventory.ReservationMove) {
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_update_reservations", len(rows),
		each(rows, func(m *inventory.ReservationMove) string { return m.After.ID }),
		each(rows, func(m *inventory.ReservationMove) string { return string(m.After.Status) }),
		each(rows, func(m *inventory.ReservationMove) int64 { return m.After.Revision }),
		each(rows, func(m *inventory.ReservationMove) int64 { return m.RevisionBefore }),
		each(rows, func(m *inventory.ReservationMove) string { return timestamp(m.After.ExpiresAt) }),
		each(rows, func(m *inventory.ReservationMove) string { return timestamp(m.After.CompletedAt) }),
	)
}

func (s *save) writeLines(made []inventory.Reservation) {
	type line struct {
		reservation string
		inventory.Line
	}
	var rows []line
	for _, r := range made {
		for _, l := range r.Lines {
			rows = append(rows, line{r.ID, l})
		}
	}
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_insert_lines", len(rows),
		each(rows, func(l *line) string { return l.reservation }),
		each(rows, func(l *line) string { return l.SKU }),
		each(rows, func(l *line) string { return l.Location }),
		each(rows, func(l *line) int64 { return int64(l.Quantity) }),
	)
}

func (s *save) writeEntries(changes inventory.Changes) {
	rows := changes.Entries
	if len(rows) == 0 {
		return
	}
	s.call(
		"holdfast_insert_entries", len(rows), changes.At,
		each(rows, func(e *inventory.Entry) string { return string(e.Action) }),
		each(rows, func(e *inventory.Entry) string { return e.SKU }),
		each(rows, func(e *inventory.Entry) string { return e.Location }),
		each(rows, func(e *inventory.Entry) string { return e.ReservationID }),
		each(rows, func(e *inventory.Entry) int64 { return e.TotalDelta }),
		each(rows, func(e *inventory.Entry) int64 { return e.ReservedDelta }),
		each(rows, func(e *inventory.Entry) int64 { return e.AllocatedDelta }),
		each(rows, func(e *inventory.Entry) int64 { return levelAfter(e).Total }),
		each(rows, func(e *inventory.Entry) int64 { return levelAfter(e).Reserved }),
		each(rows, func(e *inventory.Entry) int64 { return levelAfter(e).Allocated }),
		each(rows, func(e *inventory.Entry) int64 { return levelAfter(e).Version }),
		each(rows, func(e *inventory.Entry) string { return e.Actor }),
		each(rows, func(e *inventory.Entry) string { return string(e.Reason) }),
		each(rows, func(e *inventory.Entry) string { return e.Reference }),
		each(rows, func(e *inventory.Entry) string { return e.CommandID }),
		each(rows, func(e *inventory.Entry) string { return e.TokenKey }),
	)
}

// noLevel is of entries that concern none: its version is 0.
var noLevel inventory.StockLevel

func levelAfter(entry *inventory.Entry) *inventory.StockLevel {
	if entry.After == nil {
		return &noLevel
	}
	return entry.After
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
