package groupcommit

import (
	"fmt"
	"runtime/debug"
	"time"
)

// run is the lane's goroutine: group after group until the lane is stopped and
// empty.
func (l *Lane[C, R]) run() {
	defer close(l.ended)
	defer l.cancel(nil)
	for {
		now := time.Now()
		info, rest, over := l.take(now)
		switch {
		case over:
			l.aloneRuns.Wait()
			return
		case info.Size == 0:
			l.sleep(rest)
		default:
			for _, c := range l.group {
				l.commands = append(l.commands, c.command)
			}
			l.carryOut(l.group, l.commands, false)
			l.observe(info, now)
			clear(l.group) // what was flushed is not kept from the collector
			clear(l.commands)
			l.group, l.commands = l.group[:0], l.commands[:0]
		}
	}
}

// take moves the next group from the queue to l.group, in order and up to the
// bounds. If there is none, rest is how long until one of those that wait is
// ready, zero if none will be; over says that there never will be one again.
func (l *Lane[C, R]) take(now time.Time) (info Group, rest time.Duration, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	weight := 0
	for c := l.queue.front; c != nil; {
		next := c.next
		if wait := c.ready.Sub(now); !c.ready.IsZero() && wait > 0 {
			if rest == 0 || wait < rest {
				rest = wait
			}
			c = next
			continue
		}
		if !l.fits(len(l.group), weight, c) {
			break // nor may a lighter one pass it
		}
		if len(l.group) == 0 {
			info.Waited = now.Sub(c.arrived)
		}
		l.queue.remove(c)
		c.state = underWay
		weight += c.weight
		l.group = append(l.group, c)
		c = next
	}
	info.Size, info.Queued = len(l.group), l.queue.length
	// Who is set aside waits for one that runs alone, and that one may rejoin.
	over = l.stopping && info.Size == 0 && l.queue.length == 0 && l.alone == 0
	return info, rest, over
}

func (l *Lane[C, R]) fits(size, weight int, c *call[C, R]) bool {
	if size == 0 {
		return true // heavier than any group: it runs in one of its own
	}
	return size < l.options.GroupMax &&
		(l.options.GroupWeightMax <= 0 || weight+c.weight <= l.options.GroupWeightMax)
}

// sleep waits for a signal, or for rest if it isn't zero.
func (l *Lane[C, R]) sleep(rest time.Duration) {
	if rest == 0 {
		<-l.wake
		return
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-l.wake:
	case <-timer.C:
	}
}

// carryOut flushes a group and settles it. Commands are those of the group's
// calls.
func (l *Lane[C, R]) carryOut(group []*call[C, R], commands []C, alone bool) {
	settled, err := l.tryFlush(commands, alone)
	if err == nil && len(settled) != len(group) {
		err = fmt.Errorf("flush settled %d of %d commands", len(settled), len(group))
	}
	l.settle(group, settled, err, alone)
}

// tryFlush turns a panic into an error: one bad command doesn't end the server.
func (l *Lane[C, R]) tryFlush(commands []C, alone bool) (settled []Settled[R], err error) {
	defer func() {
		if value := recover(); value != nil {
			settled, err = nil, &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return l.flush(l.ctx, commands, alone)
}

// settle gives each call of a flushed group what it settled, or err. It uses
// group's memory.
func (l *Lane[C, R]) settle(group []*call[C, R], settled []Settled[R], err error, alone bool) {
	l.mu.Lock()
	var again queue[C, R]
	toAnswer := group[:0]
	for i, c := range group {
		if c.state == abandoned {
			continue
		}
		outcome := Settled[R]{Verdict: Answered, Err: err}
		if err == nil {
			outcome = settled[i]
		}
		if l.settleLocked(c, outcome, alone, &again) {
			toAnswer = append(toAnswer, c)
		}
	}
	if again.length > 0 {
		l.rejoinLocked(&again)
	}
	l.mu.Unlock()

	// Outside the mutex: those who wake come back for it with their next command.
	for _, c := range toAnswer {
		c.done <- struct{}{} // from here on c is its caller's
	}
}

// settleLocked moves a call on from underWay, to again if it is to rejoin. It
// returns true if the call has its answer, which is then still to be sent.
func (l *Lane[C, R]) settleLocked(c *call[C, R], outcome Settled[R], alone bool, again *queue[C, R]) bool {
	switch outcome.Verdict {
	case Answered:
		c.result, c.err = outcome.Result, outcome.Err
	case Again:
		if !l.stopped {
			if outcome.After > 0 {
				c.ready = time.Now().Add(outcome.After)
			}
			c.state = waiting
			again.pushBack(c)
			return false
		}
		c.err = ErrStopped
	case Alone:
		c.err = errAloneTwice
		if !alone {
			c.err = l.setAsideLocked(c)
		}
		if c.err == nil {
			return false
		}
	default:
		c.err = fmt.Errorf("flush left a command unsettled (verdict %d)", outcome.Verdict)
	}
	c.state = answered
	return true
}

func (l *Lane[C, R]) rejoinLocked(again *queue[C, R]) {
	// From the back, so that each finds its place at the front of the queue,
	// before the one that went there last.
	for c := again.back; c != nil; c = again.back {
		again.remove(c)
		l.queue.insert(c)
	}
	l.signal() // for one that ran alone; the lane itself looks anyway
}

func (l *Lane[C, R]) observe(info Group, started time.Time) {
	if l.options.Observe == nil {
		return
	}
	info.Took = time.Since(started)
	l.options.Observe(info)
}
