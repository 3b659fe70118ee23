package groupread

import (
	"context"
	"runtime/debug"
	"sync"
)

// Read answers a group of queries. All of them get the same answer, in which
// each finds its own: none may change it.
//
// The context ends with the last deadline of those who wait. Reads run at the
// same time, as many as there are lanes. A read must not call Do.
type Read[Q, A any] func(ctx context.Context, group []Q) (A, error)

// Lanes read for groups. Their methods are safe for concurrent use.
type Lanes[Q, A any] struct {
	read    Read[Q, A]
	options Options[Q]

	mu      sync.Mutex
	running int
	// queue has the groups that wait, in order of arrival. Who arrives joins
	// the last, if that has room.
	queue   []*group[Q, A]
	waiting int // queries in the queue
	weight  int // their weight
}

// New returns lanes that need no stopping: they end when nobody waits.
func New[Q, A any](read Read[Q, A], options Options[Q]) *Lanes[Q, A] {
	return &Lanes[Q, A]{read: read, options: options.withDefaults()}
}

// Do returns what a read answered that began after Do was called. Beside the
// read's errors it returns ErrOverloaded, ErrLeft or a *PanicError. Do returns
// as soon as ctx ends; that never disturbs the others.
func (l *Lanes[Q, A]) Do(ctx context.Context, asked Q) (A, error) {
	var none A
	if ctx.Err() != nil {
		return none, left(ctx)
	}
	q := &query[Q]{asked: asked, weight: l.options.weigh(asked)}
	q.deadline, _ = ctx.Deadline()
	g := l.join(q)
	if g == nil {
		return none, ErrOverloaded
	}
	select {
	case <-g.answered:
		return g.answer, g.err
	case <-ctx.Done():
		l.leave(g, q)
		return none, left(ctx)
	}
}

// Queued is how many queries wait for their read to begin.
func (l *Lanes[Q, A]) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

// join puts a query into the group that is read for last, and answers nil where
// there is no room to wait.
func (l *Lanes[Q, A]) join(q *query[Q]) *group[Q, A] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting > 0 && !fits(l.waiting, l.weight, q, l.options.QueueMax, l.options.QueueWeightMax) {
		return nil
	}
	g := l.lastLocked(q)
	g.add(q)
	l.waiting++
	l.weight += q.weight
	return g
}

// lastLocked is the last group of the queue if the query fits in, else a new
// one, for which a lane is started if one more may run.
func (l *Lanes[Q, A]) lastLocked(q *query[Q]) *group[Q, A] {
	if n := len(l.queue); n > 0 {
		g := l.queue[n-1]
		if len(g.queries) == 0 || fits(len(g.queries), g.weight, q, l.options.GroupMax, l.options.GroupWeightMax) {
			return g
		}
	}
	g := &group[Q, A]{answered: make(chan struct{})}
	l.queue = append(l.queue, g)
	if l.running < l.options.LanesMax {
		l.running++
		go l.run()
	}
	return g
}

// fits says whether a query has room beside so many. Zero weightMax: no bound.
func fits[Q any](queries, weight int, q *query[Q], queriesMax, weightMax int) bool {
	return queries < queriesMax && (weightMax <= 0 || weight+q.weight <= weightMax)
}

// leave takes a query out whose caller's context has ended, unless its read has
// begun.
func (l *Lanes[Q, A]) leave(g *group[Q, A], q *query[Q]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.begun {
		return
	}
	g.remove(q)
	l.waiting--
	l.weight -= q.weight
}

// run is a lane: group after group until nobody waits.
func (l *Lanes[Q, A]) run() {
	for g := l.next(); g != nil; g = l.next() {
		if len(g.queries) > 0 {
			g.answer, g.err = l.readSafely(g)
		}
		close(g.answered)
	}
}

// next begins the first group of the queue. If there is none, the lane is over.
func (l *Lanes[Q, A]) next() *group[Q, A] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.running--
		return nil
	}
	g := l.queue[0]
	l.queue[0] = nil // not kept from the collector
	l.queue = l.queue[1:]
	g.begun = true
	l.waiting -= len(g.queries)
	l.weight -= g.weight
	return g
}

// readSafely turns a panic into an error: one bad query doesn't end the server.
func (l *Lanes[Q, A]) readSafely(g *group[Q, A]) (answer A, err error) {
	ctx, cancel := g.context()
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return l.read(ctx, g.asked())
}
