package repo

import (
	"cmp"
	"slices"
	"sync"

	"holdfast/internal/inventory"
)

const (
	// issuesMax bounds a report.
	issuesMax = 1000

	// What is remembered to count the SKUs that have an issue. Beyond it the
	// count is too low; nobody goes through 100,000 by hand.
	skusCountedMax         = 100_000
	reservationsCountedMax = 10_000
	reservationsAtOnce     = 1_000

	// driftedMax is how many levels a run repairs. The next one goes on.
	driftedMax = 100_000
)

// findings gathers issues within bounds. It is safe for concurrent use while
// they are added.
type findings struct {
	// asked are the SKUs that the check is about; nil for all.
	asked []string

	mu     sync.Mutex
	issues map[inventory.Invariant][]inventory.ConsistencyIssue
	// skus have an issue.
	skus map[string]bool
	// drifted have an issue that can be repaired.
	drifted map[inventory.LevelKey]bool
	// reservations have an issue that names no SKU.
	reservations []string
}

func newFindings(asked []string) *findings {
	return &findings{
		asked:   asked,
		issues:  map[inventory.Invariant][]inventory.ConsistencyIssue{},
		skus:    map[string]bool{},
		drifted: map[inventory.LevelKey]bool{},
	}
}

// add takes an issue, unless it is about a SKU that wasn't asked for: a
// reservation is checked with all of its lines.
func (f *findings) add(issue inventory.ConsistencyIssue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case issue.SKU != nil && !f.isAsked(*issue.SKU):
		return
	case issue.SKU != nil:
		f.count(*issue.SKU)
	case issue.ReservationID != nil && len(f.reservations) < reservationsCountedMax:
		f.reservations = append(f.reservations, *issue.ReservationID)
	}
	if issue.Repairable && len(f.drifted) < driftedMax { // it is about a stock level
		f.drifted[inventory.LevelKey{SKU: *issue.SKU, Location: *issue.Location}] = true
	}
	if kept := f.issues[issue.Invariant]; len(kept) < issuesMax {
		f.issues[issue.Invariant] = append(kept, issue)
	}
}

func (f *findings) isAsked(sku string) bool {
	return f.asked == nil || slices.Contains(f.asked, sku)
}

func (f *findings) count(sku string) {
	if f.isAsked(sku) && len(f.skus) < skusCountedMax {
		f.skus[sku] = true
	}
}

// shares returns at most issuesMax issues in a fixed order. Where there are
// more, an invariant with few keeps them all, so that a flood of one kind
// doesn't hide the others.
func (f *findings) shares() []inventory.ConsistencyIssue {
	var kinds [][]inventory.ConsistencyIssue
	for _, issues := range f.issues {
		slices.SortFunc(issues, compareIssues)
		kinds = append(kinds, issues)
	}
	slices.SortFunc(kinds, func(a, b []inventory.ConsistencyIssue) int { return cmp.Compare(len(a), len(b)) })

	all := []inventory.ConsistencyIssue{}
	for i, issues := range kinds {
		share := (issuesMax - len(all)) / (len(kinds) - i)
		all = append(all, issues[:min(share, len(issues))]...)
	}
	slices.SortStableFunc(all, func(a, b inventory.ConsistencyIssue) int {
		return cmp.Compare(number(a.Invariant), number(b.Invariant))
	})
	return all
}

func compareIssues(a, b inventory.ConsistencyIssue) int {
	return cmp.Or(
		cmp.Compare(orEmpty(a.SKU), orEmpty(b.SKU)),
		cmp.Compare(orEmpty(a.Location), orEmpty(b.Location)),
		cmp.Compare(orEmpty(a.ReservationID), orEmpty(b.ReservationID)),
		cmp.Compare(a.Detail, b.Detail),
	)
}

// number is the invariant's place in the list of them.
func number(invariant inventory.Invariant) int {
	return slices.IndexFunc(invariantQueries, func(q invariantQuery) bool { return q.invariant == invariant })
}
