package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// PastAvailability is what a SKU's stock was at a moment: the sum over its
// levels.
type PastAvailability struct {
	SKU       string
	At        time.Time
	Total     int64
	Reserved  int64
	Allocated int64
}

// Available is what could be claimed.
func (a PastAvailability) Available() int64 { return a.Total - a.Reserved - a.Allocated }

// Snapshot is a copy of stock levels, with their versions.
type Snapshot struct {
	// Number is the database's.
	Number int64
	// TakenAt is when the last level had been copied, by the database's clock.
	TakenAt    time.Time
	LevelCount int32
}

// ID is opaque to clients.
func (s Snapshot) ID() string { return opaqueID("Snapshot", strconv.FormatInt(s.Number, 10)) }

// TakeSnapshot copies stock levels. Stock isn't changed, so it isn't a Command.
type TakeSnapshot struct {
	// SKUs are those whose levels are copied; nil for all there are.
	SKUs []string
}

// Validate returns what breaks a rule.
func (c TakeSnapshot) Validate() []*Error {
	var v violations
	if c.SKUs != nil && (len(c.SKUs) < 1 || len(c.SKUs) > SKUsMax) {
		v.add(fmt.Sprintf("a snapshot is of 1 to %d SKUs, or of all where none are named", SKUsMax), "input", "skus")
		return v
	}
	for i, sku := range c.SKUs {
		v.code(sku, "a SKU", "input", "skus", strconv.Itoa(i))
	}
	return v
}

// Unknown refuses the snapshot for each of its SKUs that isn't known.
func (c TakeSnapshot) Unknown(known []string) []*Error {
	var unknown []*Error
	for i, sku := range c.SKUs {
		if !slices.Contains(known, sku) {
			unknown = append(unknown, unknownSKU(sku, "input", "skus", strconv.Itoa(i)))
		}
	}
	return unknown
}
