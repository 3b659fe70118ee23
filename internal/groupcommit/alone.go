package groupcommit

import "time"

// setAsideLocked starts a call's run alone, or has it wait for a place behind
// those that were set aside before it.
func (l *Lane[C, R]) setAsideLocked(c *call[C, R]) error {
	switch {
	case l.stopped:
		return ErrStopped
	case l.alone < l.options.AloneMax:
		// A place is free only when nobody waits for it.
		l.alone++
		l.aloneRuns.Go(func() { l.runAlone(c) })
		return nil
	case !l.aside.hasRoom(c.weight, l.options.QueueMax, l.options.QueueWeightMax):
		return ErrOverloaded
	}
	c.state = setAside
	l.aside.pushBack(c)
	return nil
}

// runAlone holds one place: it carries out c, then what waits for the place.
func (l *Lane[C, R]) runAlone(c *call[C, R]) {
	for ; c != nil; c = l.nextAlone() {
		now := time.Now()
		info := Group{Size: 1, Alone: true, Waited: now.Sub(c.arrived)}
		l.carryOut([]*call[C, R]{c}, []C{c.command}, true)
		l.observe(info, now)
	}
}

// nextAlone returns the next call for a place, or gives the place up.
func (l *Lane[C, R]) nextAlone() *call[C, R] {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.aside.front
	if c == nil {
		l.alone--
		l.signal() // a lane that is stopping waits for the last place
		return nil
	}
	l.aside.remove(c)
	c.state = underWay
	return c
}
