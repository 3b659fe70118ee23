package repo

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

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

// ReservationsByID answers those of the reservations that are the caller's, with
// their state as stored.
func (r *Repo) ReservationsByID(ctx context.Context, ids []string) (map[string]*inventory.Reservation, error) {
	found, err := r.selectReservations(ctx, "r.id = ANY(?::uuid[]) AND r.principal = ?", pgdialect.Array(ids), principalOf(ctx))
	if err != nil {
		return nil, fmt.Errorf("reservations by id: %w", err)
	}
	byID := make(map[string]*inventory.Reservation, len(found))
	for i, reservation := range found {
		byID[reservation.ID] = &found[i]
	}
	return byID, nil
}

// selectReservations answers the reservations that the condition names, newest
// first.
func (r *Repo) selectReservations(ctx context.Context, where string, args ...any) ([]inventory.Reservation, error) {
	var encoded []json.RawMessage
	err := r.query(ctx, noWorkers+"SELECT to_json(r) FROM ("+selectReservations+" WHERE "+where+") AS r ORDER BY r.id DESC", args, &encoded)
	if err != nil {
		return nil, err
	}
	return decodeReservations(encoded)
}

func decodeReservations(encoded []json.RawMessage) ([]inventory.Reservation, error) {
	var reservations []inventory.Reservation
	for _, row := range encoded {
		var decoded reservationRow
		if err := json.Unmarshal(row, &decoded); err != nil {
			return nil, err
		}
		reservations = append(reservations, decoded.reservation())
	}
	return reservations, nil
}
