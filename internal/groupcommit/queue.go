package groupcommit

import "time"

// state says who may end a call. It is read and written under the lane's mutex.
type state int

const (
	waiting   state = iota // in the lane's queue: its caller may leave
	setAside               // waiting for a place to run alone: its caller may leave
	underWay               // in a flush: its caller may only abandon it
	answered               // the lane has sent, or is about to send, on done
	abandoned              // its caller is gone: what it settles is dropped
)

// call is one Do. It belongs to the lane until its caller has received from
// done or taken it out of its queue; only then may it be used again.
type call[C, R any] struct {
	command C
	weight  int
	arrival uint64 // the order of Do
	arrived time.Time
	ready   time.Time // joins no group before this

	state  state
	result R
	err    error
	done   chan struct{} // room for one, so that the lane never waits to answer

	prev, next *call[C, R]
}

// queue is a list of calls by arrival, linked through the calls themselves:
// joining and leaving cost no allocation, and leaving from the middle no search.
type queue[C, R any] struct {
	front, back *call[C, R]
	length      int
	weight      int
}

// hasRoom says whether a call of this weight may join. Zero weightMax: no bound.
func (q *queue[C, R]) hasRoom(weight, lengthMax, weightMax int) bool {
	if q.length == 0 {
		return true // however heavy: it would never find more room than this
	}
	return q.length < lengthMax && (weightMax <= 0 || q.weight+weight <= weightMax)
}

func (q *queue[C, R]) pushBack(c *call[C, R]) {
	q.insertAfter(q.back, c)
}

// insert puts c in its place by arrival. It searches from the front, since a
// call that comes back is older than nearly everything that waits.
func (q *queue[C, R]) insert(c *call[C, R]) {
	var before *call[C, R]
	for next := q.front; next != nil && next.arrival < c.arrival; next = next.next {
		before = next
	}
	q.insertAfter(before, c)
}

// insertAfter puts c behind before; nil puts it at the front.
func (q *queue[C, R]) insertAfter(before, c *call[C, R]) {
	next := q.front
	if before != nil {
		next = before.next
		before.next = c
	} else {
		q.front = c
	}
	if next != nil {
		next.prev = c
	} else {
		q.back = c
	}
	c.prev, c.next = before, next
	q.length++
	q.weight += c.weight
}

func (q *queue[C, R]) remove(c *call[C, R]) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		q.front = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		q.back = c.prev
	}
	c.prev, c.next = nil, nil
	q.length--
	q.weight -= c.weight
}
