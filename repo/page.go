package repo

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"holdfast/internal/inventory"
)

// PageMax bounds a page.
const PageMax = 100

// noWorkers is in front of a list's statement: a page ends before parallel
// workers have started, and those read what nobody wants.
const noWorkers = "SET LOCAL max_parallel_workers_per_gather = 0; "

// Page is which part of a list is wanted.
type Page struct {
	// First is how many: 1 to 100.
	First int
	// After is the cursor of the last one seen; nil for the beginning.
	After *string
}

// List is one page of a list. The schema's connections are bound to it.
type List[T any] struct {
	Items []T
	// Cursors are the items', at their index.
	Cursors []string
	// More says that others follow.
	More bool
	// Continued says that the page began after a cursor.
	Continued bool
}

// Edge is an item of a list, with its cursor.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// PageInfo is where a page lies among its neighbours.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// The schema's connections and edges, which gqlgen.yml binds to these names: it
// can't spell type arguments.
type (
	// ReservationList is ReservationConnection.
	ReservationList = List[inventory.Reservation]
	// ReservationEdge is ReservationEdge.
	ReservationEdge = Edge[inventory.Reservation]

	// LocationList is LocationConnection.
	LocationList = List[inventory.Location]
	// LocationEdge is LocationEdge.
	LocationEdge = Edge[inventory.Location]

	// SKUList is SkuConnection.
	SKUList = List[inventory.SKU]
	// SKUEdge is SkuEdge.
	SKUEdge = Edge[inventory.SKU]

	// AuditList is AuditEntryConnection.
	AuditList = List[inventory.LoggedEntry]
	// AuditEdge is AuditEntryEdge.
	AuditEdge = Edge[inventory.LoggedEntry]

	// SnapshotList is SnapshotConnection.
	SnapshotList = List[inventory.Snapshot]
	// SnapshotEdge is SnapshotEdge.
	SnapshotEdge = Edge[inventory.Snapshot]

	// RunList is ReconciliationRunConnection.
	RunList = List[inventory.ReconciliationRun]
	// RunEdge is ReconciliationRunEdge.
	RunEdge = Edge[inventory.ReconciliationRun]
)

// Edges are the items with their cursors.
func (l List[T]) Edges() []Edge[T] {
	edges := make([]Edge[T], len(l.Items))
	for i, item := range l.Items {
		edges[i] = Edge[T]{l.Cursors[i], item}
	}
	return edges
}

// PageInfo says where the page lies.
func (l List[T]) PageInfo() PageInfo {
	info := PageInfo{HasNextPage: l.More, HasPreviousPage: l.Continued}
	if len(l.Cursors) > 0 {
		info.StartCursor, info.EndCursor = &l.Cursors[0], &l.Cursors[len(l.Cursors)-1]
	}
	return info
}

// listOf makes a list of what was read: of one item more than the page has, if
// there are so many. The key of an item is what the next page begins after.
func listOf[T any](page Page, found []T, kind cursorKind, key func(T) string) List[T] {
	list := List[T]{
		Items: found[:min(len(found), page.First)], More: len(found) > page.First, Continued: page.After != nil,
	}
	for _, item := range list.Items {
		list.Cursors = append(list.Cursors, cursor(kind, key(item)))
	}
	return list
}

// cursorKind tells the cursors of different lists apart.
type cursorKind struct {
	name  string
	valid func(key string) bool
}

// isNumber says whether the key is one that an identity column has.
func isNumber(key string) bool {
	number, err := strconv.ParseInt(key, 10, 64)
	return err == nil && number > 0
}

func cursor(kind cursorKind, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind.name + "|" + key))
}

// after checks the page and returns the key behind its cursor: empty for the
// beginning.
func (p Page) after(kind cursorKind) (string, *inventory.Error) {
	if p.First < 1 || p.First > PageMax {
		return "", badArgument(fmt.Sprintf("a page has 1 to %d", PageMax), "first")
	}
	if p.After == nil {
		return "", nil
	}
	return keyOf(*p.After, kind)
}

// keyOf is the key behind a cursor.
func keyOf(cursor string, kind cursorKind) (string, *inventory.Error) {
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	key, ofKind := strings.CutPrefix(string(plain), kind.name+"|")
	if err != nil || !ofKind || !kind.valid(key) {
		return "", badArgument("this is not a cursor of this list", "after")
	}
	return key, nil
}
