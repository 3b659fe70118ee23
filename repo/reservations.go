package repo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
)

// ReservationFilter is which reservations to list: those to which all that is
// given applies.
type ReservationFilter struct {
	Status        *inventory.Status
	SKU           *string
	Holder        *string
	Reference     *string
	CreatedAfter  *time.Time
	CreatedBefore *time.Time
	ExpiresBefore *time.Time
}

var reservationCursors = cursorKind{"reservation", inventory.ValidReservationID}

// mintedBeforeMax is how long before a reservation's creation its id may have
// been minted: in a caller's first group, and it is made in their last. Both are
// bounded by HOLDFAST_REQUEST_TIMEOUT, which is at most 55 s.
const mintedBeforeMax = 2 * time.Minute

// Reservations answers the caller's reservations, newest first, with their
// state as stored.
func (r *Repo) Reservations(ctx context.Context, page Page, filter *ReservationFilter) (List[inventory.Reservation], error) {
	if filter == nil {
		filter = &ReservationFilter{}
	}
	if problem := filter.check(); problem != nil {
		return List[inventory.Reservation]{}, problem
	}
	after, problem := page.after(reservationCursors)
	if problem != nil {
		return List[inventory.Reservation]{}, problem
	}

	ids := r.db.NewSelect().TableExpr("reservations AS r").ColumnExpr("r.id").
		Where("r.principal = ?", principalOf(ctx)).
		Limit(int64(page.First) + 1)
	filter.apply(ids, after)
	found, err := r.selectReservations(ctx, "r.id = ANY(ARRAY(?))", ids)
	if err != nil {
		return List[inventory.Reservation]{}, fmt.Errorf("reservations: %w", err)
	}
	return listOf(page, found, reservationCursors, func(r inventory.Reservation) string { return r.ID }), nil
}

func (f *ReservationFilter) check() *inventory.Error {
	switch {
	case f.SKU != nil && !inventory.ValidCode(*f.SKU):
		return notASKU("filter", "sku")
	case f.Holder != nil && !inventory.ValidText(*f.Holder):
		return badArgument("a holder is 1 to 255 characters on one line, not all blank", "filter", "holder")
	case f.Reference != nil && !inventory.ValidText(*f.Reference):
		return badArgument("a reference is 1 to 255 characters on one line, not all blank", "filter", "reference")
	}
	return nil
}

// apply adds the conditions and the order, in the way that an index answers.
func (f *ReservationFilter) apply(ids *bun.SelectQuery, after string) {
	from, below := f.idRange(after)
	switch {
	case f.SKU != nil:
		// The planner may walk along the lines of the SKU or along the
		// reservations: both are in the order of ids.
		ids.DistinctOn("r.id").Join("JOIN reservation_lines AS l ON l.reservation_id = r.id AND l.sku = ?", *f.SKU).
			Where("l.reservation_id >= ?::uuid AND l.reservation_id < ?::uuid", from, below).
			OrderExpr("r.id DESC")
		if after != "" {
			ids.Where("r.id < ?::uuid", after)
		}
		if f.Status != nil {
			ids.Where("r.status = ?", *f.Status)
		}
	case f.Status != nil:
		// With a plain condition the planner may walk along all reservations,
		// which takes for ever where those of this state are all old, or all new.
		ids.Where("(r.status, r.id) >= (?, ?::uuid) AND (r.status, r.id) < (?, ?::uuid)", *f.Status, from, *f.Status, below).
			OrderExpr("r.status DESC, r.id DESC")
	default:
		ids.Where("r.id >= ?::uuid AND r.id < ?::uuid", from, below).OrderExpr("r.id DESC")
	}
	if f.Holder != nil {
		ids.Where("r.holder = ?", *f.Holder)
	}
	if f.Reference != nil {
		ids.Where("r.reference = ?", *f.Reference)
	}
	if f.CreatedAfter != nil {
		ids.Where("r.created_at >= ?", *f.CreatedAfter)
	}
	if f.CreatedBefore != nil {
		ids.Where("r.created_at < ?", *f.CreatedBefore)
	}
	if f.ExpiresBefore != nil {
		ids.Where("r.expires_at < ?", *f.ExpiresBefore)
	}
}

// idRange is where the ids lie of what was asked for: an id is of the moment of
// creation, or a little before, and that is before the deadline.
func (f *ReservationFilter) idRange(after string) (from, below string) {
	from, below = uuid.Nil.String(), uuid.Max.String()
	if after != "" {
		below = after
	}
	for _, end := range []*time.Time{f.CreatedBefore, f.ExpiresBefore} {
		if end != nil {
			below = min(below, idFloor(end.Add(time.Millisecond)))
		}
	}
	if f.CreatedAfter != nil {
		from = idFloor(f.CreatedAfter.Add(-mintedBeforeMax))
	}
	return from, below
}
