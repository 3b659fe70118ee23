package streams

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"holdfast/internal/web/wire"
)

// operation is one that the client has open, under an id of its choice.
type operation struct {
	outbox
	id string
	// head is what an event's message begins with.
	head []byte
	// stop has nothing more delivered. Whoever has taken the operation out of the
	// connection calls it, once.
	stop func()
	// skus is how many its request names.
	skus int
	// isCommand says that it ends by itself.
	isCommand bool
	// isDue is guarded by the connection's mutex.
	isDue bool
}

// start has the request answered under the id, or says why it can't be.
func (c *connection) start(id string, r request) *graphql.Response {
	quoted, _ := json.Marshal(id) // a string always encodes
	op := &operation{
		id: id, head: fmt.Appendf(nil, `{"id":%s,"type":"next","payload":`, quoted), isCommand: !r.isSubscription(),
		skus: r.skus,
	}
	op.wake = func() { c.schedule(op) }
	begin, stop := c.streams.answer(c.ctx, r, &op.outbox)
	op.stop = func() {
		stop()
		c.logEnd(r.ctx)
	}
	if refused := c.open(op); refused != nil {
		return &graphql.Response{Errors: refused.Errors()}
	}
	begin()
	return nil
}

// open takes the operation in, unless the connection is to depart or has as many
// of its kind as it may: who has all their subscriptions can still place a hold.
func (c *connection) open(op *operation) *wire.Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	name, kind, same := "subscriptions", "subscriptions", &c.subscriptions
	if op.isCommand {
		name, kind, same = "operations", "queries and mutations under way", &c.commands
	}
	most, skusMost := c.streams.options.SubscriptionsMax, c.streams.options.WatchedSKUsMax
	switch {
	case c.departing:
		return overloaded(shuttingDown)
	case *same >= most:
		return exceeded(wire.Limit{Name: name, Max: int64(most)}, "this connection has all the "+kind+" it may", "HOLDFAST_SUBSCRIPTIONS_MAX")
	case c.skus+op.skus > skusMost:
		return exceeded(wire.Limit{Name: "watchedSkus", Max: int64(skusMost), Actual: int64(c.skus + op.skus)},
			"this connection's subscriptions would name more SKUs than they may", "HOLDFAST_WATCHED_SKUS_MAX")
	}
	*same++
	c.skus += op.skus
	if op.isCommand {
		c.unanswered++
	}
	c.operations[op.id] = op
	return nil
}

// forget returns the operation, which is then no longer open, or nil.
func (c *connection) forget(id string) *operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	op := c.operations[id]
	delete(c.operations, id)
	switch {
	case op == nil:
	case op.isCommand:
		c.commands--
	default:
		c.subscriptions--
		c.skus -= op.skus
	}
	return op
}

// settle has a connection depart that waited for the last of its commands.
func (c *connection) settle(op *operation) {
	if !op.isCommand {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unanswered--; c.unanswered == 0 && c.departing {
		go c.depart()
	}
}

// schedule has an operation's events written.
func (c *connection) schedule(op *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheduleLocked(op)
	if !c.writing {
		c.writing = true
		go c.flush()
	}
}

func (c *connection) scheduleLocked(op *operation) {
	if !op.isDue {
		op.isDue = true
		c.due = append(c.due, op)
	}
}

func (c *connection) nextDue() *operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.due) == 0 {
		c.due, c.writing = nil, false
		return nil
	}
	op := c.due[0]
	c.due = c.due[1:]
	op.isDue = false
	return op
}

var texts = sync.Pool{New: func() any { return new([]byte) }}

// flush writes what is owed, an event of each operation in turn.
func (c *connection) flush() {
	buffer := texts.Get().(*[]byte)
	defer texts.Put(buffer)
	for op := c.nextDue(); op != nil; op = c.nextDue() {
		e, found, over := op.take()
		switch {
		case found:
			*buffer = append(append(append((*buffer)[:0], op.head...), e.payload...), '}')
			if c.writeText(*buffer) {
				op.tell.sent()
				c.probe.expectAnswer()
			}
			c.mu.Lock()
			c.scheduleLocked(op) // there may be more
			c.mu.Unlock()
		case over:
			// Forgotten first: the client may use the id again at once.
			if c.forget(op.id) != nil {
				op.stop()
				c.write(message{ID: op.id, Type: "complete"})
				c.settle(op)
			}
		}
	}
}
