package repo

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
)

// ReservationBy names a reservation by exactly one of its fields.
type ReservationBy struct {
	ID          *string
	ClientToken *string
}

// Reservation answers the caller's reservation, or nil. An overdue hold is
// ended first.
func (r *Repo) Reservation(ctx context.Context, by ReservationBy) (*inventory.Reservation, error) {
	switch {
	case (by.ID == nil) == (by.ClientToken == nil):
		return nil, badArgument("give exactly one of id and clientToken", "by")
	case by.ID != nil:
		return r.reservationByID(ctx, *by.ID, "by", "id")
	default:
		return r.reservationByToken(ctx, *by.ClientToken, "by", "clientToken")
	}
}

// ReservationByID answers the caller's reservation of this id, or nil. An
// overdue hold is ended first.
func (r *Repo) ReservationByID(ctx context.Context, id string) (*inventory.Reservation, error) {
	return r.reservationByID(ctx, id, "id")
}

func (r *Repo) reservationByID(ctx context.Context, id string, field ...string) (*inventory.Reservation, error) {
	if !inventory.ValidReservationID(id) {
		return nil, badArgument("a reservation's id is a UUID", field...)
	}
	return r.currentReservation(ctx, "r.id = ?", id)
}

func (r *Repo) reservationByToken(ctx context.Context, token string, field ...string) (*inventory.Reservation, error) {
	if !inventory.ValidClientToken(token) {
		return nil, badArgument("a client token is 1 to 255 printable ASCII characters, not all blank", field...)
	}
	key := inventory.TokenKey(principalOf(ctx), token)
	return r.currentReservation(ctx, "r.id = (SELECT command_id FROM client_tokens WHERE key = ?)", key)
}

func (r *Repo) currentReservation(ctx context.Context, where, key string) (*inventory.Reservation, error) {
	var now time.Time
	var encoded []byte
	err := r.query(ctx, "SELECT clock_timestamp(), to_json(r) FROM ("+selectReservations+" WHERE "+where+" AND r.principal = ?) AS r",
		[]any{key, principalOf(ctx)}, &now, &encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reservation: %w", err)
	}
	var row reservationRow
	if err := json.Unmarshal(encoded, &row); err != nil {
		return nil, fmt.Errorf("reservation: %w", err)
	}
	reservation := row.reservation()
	if reservation.Overdue(now) {
		return r.expireHold(ctx, &reservation)
	}
	return &reservation, nil
}

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

	// Ids are minted from the time, so that their order is that of creation.
	query := r.db.NewSelect().ColumnExpr("to_json(r)").
		TableExpr("(?) AS r", bun.SafeQuery(selectReservations)).
		Where("r.principal = ?", principalOf(ctx)).
		OrderExpr("r.id DESC").
		Limit(int64(page.First) + 1)
	if after != "" {
		query.Where("r.id < ?::uuid", after)
	}
	filter.apply(query)

	var encoded []json.RawMessage
	if err := r.query(ctx, "?", []any{query}, &encoded); err != nil {
		return List[inventory.Reservation]{}, fmt.Errorf("reservations: %w", err)
	}
	list := List[inventory.Reservation]{More: len(encoded) > page.First}
	for _, row := range encoded[:min(len(encoded), page.First)] {
		var decoded reservationRow
		if err := json.Unmarshal(row, &decoded); err != nil {
			return List[inventory.Reservation]{}, fmt.Errorf("reservations: %w", err)
		}
		list.Items = append(list.Items, decoded.reservation())
		list.Cursors = append(list.Cursors, cursor(reservationCursors, decoded.ID))
	}
	return list, nil
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

func (f *ReservationFilter) apply(query *bun.SelectQuery) {
	if f.Status != nil {
		query.Where("r.status = ?", *f.Status)
	}
	if f.SKU != nil {
		query.Where("EXISTS (SELECT FROM reservation_lines AS l WHERE l.sku = ? AND l.reservation_id = r.id)", *f.SKU)
	}
	if f.Holder != nil {
		query.Where("r.holder = ?", *f.Holder)
	}
	if f.Reference != nil {
		query.Where("r.reference = ?", *f.Reference)
	}
	if f.CreatedAfter != nil {
		query.Where("r.created_at >= ?", *f.CreatedAfter)
	}
	if f.CreatedBefore != nil {
		query.Where("r.created_at < ?", *f.CreatedBefore)
	}
	if f.ExpiresBefore != nil {
		query.Where("r.expires_at < ?", *f.ExpiresBefore)
	}
}
