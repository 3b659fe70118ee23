package repo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
)

// AuditEntryFilter is which entries to list: those to which all that is given
// applies.
type AuditEntryFilter struct {
	SKU           *string
	Location      *string
	ReservationID *string
	Action        *inventory.Action
	Since         *time.Time
	Until         *time.Time
}

var auditCursors = cursorKind{"entry", isNumber}

// transactionMax is how far behind the clock an entry's moment may be when it
// takes its place in the log: a transaction reads the time, decides, and writes,
// and is given up after HOLDFAST_REQUEST_TIMEOUT, which is at most 55 s.
const transactionMax = time.Minute

// AuditLog answers entries of the log, in its order or from its end. Those of
// one stock level are in the order of its versions.
func (r *Repo) AuditLog(ctx context.Context, page Page, order inventory.AuditOrder, filter *AuditEntryFilter) (List[inventory.LoggedEntry], error) {
	if filter == nil {
		filter = &AuditEntryFilter{}
	}
	if problem := filter.check(); problem != nil {
		return List[inventory.LoggedEntry]{}, problem
	}
	after, problem := page.after(auditCursors)
	if problem != nil {
		return List[inventory.LoggedEntry]{}, problem
	}

	query := r.db.NewSelect().TableExpr("audit_log").
		ColumnExpr("id AS position, at, action, sku, location, reservation_id").
		ColumnExpr("total_delta, reserved_delta, allocated_delta, total, reserved, allocated, version").
		ColumnExpr("actor, reason, reference").
		Limit(int64(page.First) + 1)
	beyond := "id > ?"
	if order == inventory.NewestFirst {
		query.OrderExpr("id DESC")
		beyond = "id < ?"
	} else {
		query.OrderExpr("id")
	}
	if after != "" {
		query.Where(beyond, after)
	}
	filter.apply(query)

	var entries []inventory.LoggedEntry
	if err := r.query(ctx, noWorkers+"?", []any{query}, &entries); err != nil {
		return List[inventory.LoggedEntry]{}, fmt.Errorf("audit log: %w", err)
	}
	return listOf(page, entries, auditCursors, func(e inventory.LoggedEntry) string {
		return strconv.FormatInt(e.Position, 10)
	}), nil
}

func (f *AuditEntryFilter) check() *inventory.Error {
	switch {
	case f.SKU != nil && !inventory.ValidCode(*f.SKU):
		return notASKU("filter", "sku")
	case f.Location != nil && !inventory.ValidCode(*f.Location):
		return badArgument("this is not a location's code", "filter", "location")
	case f.ReservationID != nil && !inventory.ValidReservationID(*f.ReservationID):
		return badArgument("a reservation's id is a UUID", "filter", "reservationId")
	}
	return nil
}

// apply adds the conditions. Those on time bound the id as well: there is no
// index over the moments, but within transactionMax they rise with the ids. SQL
// adds that up, for it knows moments before the year 1.
func (f *AuditEntryFilter) apply(query *bun.SelectQuery) {
	if f.SKU != nil {
		query.Where("sku = ?", *f.SKU)
	}
	if f.Location != nil {
		query.Where("location = ?", *f.Location)
	}
	if f.ReservationID != nil {
		query.Where("reservation_id = ?", *f.ReservationID)
	}
	if f.Action != nil {
		query.Where("action = ?", *f.Action)
	}
	if f.Since != nil {
		query.Where("id >= holdfast_entry_at(?::timestamptz - ? * interval '1 second')", *f.Since, transactionMax.Seconds()).Where("at >= ?", *f.Since)
	}
	if f.Until != nil {
		query.Where("id < holdfast_entry_at(?::timestamptz + ? * interval '1 second')", *f.Until, transactionMax.Seconds()).Where("at < ?", *f.Until)
	}
}
