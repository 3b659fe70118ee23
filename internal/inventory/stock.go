package inventory

import (
	"cmp"
	"encoding/base64"
	"time"
)

// DefaultLocation exists from the start. It is where stock commands without a
// location act, and where a line without one draws first.
const DefaultLocation = "default"

// LevelKey names a stock level.
type LevelKey struct {
	SKU      string
	Location string
}

// Compare orders keys as the database does: by SKU, then location, byte by
// byte. Locks are taken in this order.
func (k LevelKey) Compare(other LevelKey) int {
	return cmp.Or(cmp.Compare(k.SKU, other.SKU), cmp.Compare(k.Location, other.Location))
}

// StockLevel is the counters of one SKU at one location.
type StockLevel struct {
	SKU       string
	Location  string
	Total     int64
	Reserved  int64
	Allocated int64
	// Version rises by one with each change. A level that doesn't exist has 0.
	Version   int64
	UpdatedAt time.Time
}

// Key names the level.
func (l StockLevel) Key() LevelKey { return LevelKey{l.SKU, l.Location} }

// ID is opaque to clients.
func (l StockLevel) ID() string { return opaqueID("StockLevel", l.SKU, l.Location) }

// Available is what can still be claimed.
func (l StockLevel) Available() int64 { return l.Total - l.Reserved - l.Allocated }

// Availability is what a storefront sees of a SKU: the sum over its levels.
type Availability struct {
	SKU string
	// Location is the one that the levels were filtered by, if any.
	Location *string
	// Locations are the levels, in order of their location.
	Locations []StockLevel
	// CreatedAt is the SKU's.
	CreatedAt time.Time
}

// ID is opaque to clients, and the same for the same SKU and location filter.
func (a Availability) ID() string {
	if a.Location == nil {
		return opaqueID("Availability", a.SKU)
	}
	return opaqueID("Availability", a.SKU, *a.Location)
}

// Total is the units there are.
func (a Availability) Total() int64 {
	return a.sum(func(l StockLevel) int64 { return l.Total })
}

// Reserved is the units lent out as holds.
func (a Availability) Reserved() int64 {
	return a.sum(func(l StockLevel) int64 { return l.Reserved })
}

// Allocated is the units that belong to somebody and have not left.
func (a Availability) Allocated() int64 {
	return a.sum(func(l StockLevel) int64 { return l.Allocated })
}

// Available is what a line without a location can get.
func (a Availability) Available() int64 { return a.sum(StockLevel.Available) }

// Version is the sum of the levels' versions, so that it only rises.
func (a Availability) Version() int64 {
	return a.sum(func(l StockLevel) int64 { return l.Version })
}

// UpdatedAt is when the stock last changed: the SKU's creation if never.
func (a Availability) UpdatedAt() time.Time {
	latest := a.CreatedAt
	for _, level := range a.Locations {
		if level.UpdatedAt.After(latest) {
			latest = level.UpdatedAt
		}
	}
	return latest
}

func (a Availability) sum(counter func(StockLevel) int64) int64 {
	var sum int64
	for _, level := range a.Locations {
		sum += counter(level)
	}
	return sum
}

func opaqueID(kind string, parts ...string) string {
	plain := kind
	for _, part := range parts {
		plain += "|" + part
	}
	return base64.RawURLEncoding.EncodeToString([]byte(plain))
}
