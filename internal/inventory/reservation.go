package inventory

import (
	"encoding/json"
	"time"
)

// Status is where a reservation stands.
type Status string

// The states, and the only arrows between them: Held leads to Allocated,
// Released or Expired; Allocated to Fulfilled or Cancelled.
const (
	Held      Status = "HELD"
	Allocated Status = "ALLOCATED"
	Released  Status = "RELEASED"
	Expired   Status = "EXPIRED"
	Fulfilled Status = "FULFILLED"
	Cancelled Status = "CANCELLED"
)

// Statuses are all there are.
var Statuses = []Status{Held, Allocated, Released, Expired, Fulfilled, Cancelled}

// Line is the units of one SKU at one location that a reservation claims.
type Line struct {
	SKU      string
	Location string
	Quantity int32
}

// Key names the stock level that the line draws on.
func (l Line) Key() LevelKey { return LevelKey{l.SKU, l.Location} }

// Reservation is the record of a claim. Its lines never change.
type Reservation struct {
	// ID is a UUID, in its lower-case text form. It is also the id of the
	// request that made the reservation.
	ID          string
	Principal   string
	Status      Status
	ClientToken string
	// Lines are in the order of their keys; no key is there twice.
	Lines []Line
	// Revision rises with each change of the reservation, from 1.
	Revision  int64
	CreatedAt time.Time
	// ExpiresAt is nil for an allocation that was made without a hold.
	ExpiresAt *time.Time
	// CompletedAt is when it left Held.
	CompletedAt *time.Time
	Holder      *string
	Reference   *string
	Metadata    json.RawMessage
}

// Overdue says whether it is a hold whose deadline has come.
func (r Reservation) Overdue(now time.Time) bool {
	return r.Status == Held && r.ExpiresAt != nil && !now.Before(*r.ExpiresAt)
}

// endedAs is the state that the hold left Held for, whatever came after; empty
// for one that is still held, and for an allocation that was never a hold.
func (r Reservation) endedAs() Status {
	switch {
	case r.CompletedAt == nil:
		return ""
	case r.Status == Fulfilled || r.Status == Cancelled:
		return Allocated
	default:
		return r.Status
	}
}
