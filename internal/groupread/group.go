package groupread

import (
	"context"
	"time"
)

// group is the queries that one read answers.
type group[Q, A any] struct {
	// Under the mutex until the group has begun; then nobody writes them.
	queries []*query[Q]
	weight  int
	begun   bool

	// answered is closed once answer and err are there.
	answered chan struct{}
	answer   A
	err      error
}

// query is one Do that waits, or is under way.
type query[Q any] struct {
	asked  Q
	weight int
	// place is where it stands in its group.
	place int
	// deadline is its caller's; the zero time for none.
	deadline time.Time
}

func (g *group[Q, A]) add(q *query[Q]) {
	q.place = len(g.queries)
	g.queries = append(g.queries, q)
	g.weight += q.weight
}

// remove has the last query take the place of the one that goes: in one read
// there is no order.
func (g *group[Q, A]) remove(q *query[Q]) {
	end := len(g.queries) - 1
	last := g.queries[end]
	last.place = q.place
	g.queries[q.place] = last
	g.queries[end] = nil
	g.queries = g.queries[:end]
	g.weight -= q.weight
}

func (g *group[Q, A]) asked() []Q {
	asked := make([]Q, len(g.queries))
	for i, q := range g.queries {
		asked[i] = q.asked
	}
	return asked
}

// context ends when none of the callers would wait any longer. It has no
// values of any of them, and none can cancel it.
func (g *group[Q, A]) context() (context.Context, context.CancelFunc) {
	var latest time.Time
	for _, q := range g.queries {
		if q.deadline.IsZero() {
			return context.WithCancel(context.Background())
		}
		if q.deadline.After(latest) {
			latest = q.deadline
		}
	}
	return context.WithDeadline(context.Background(), latest)
}
