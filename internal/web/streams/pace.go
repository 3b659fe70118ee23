package streams

import (
	"runtime"
	"sync"
	"time"
)

// Connections that come all at once, as after a restart, begin one after the
// other. What they leave behind makes the collector run, so that more of them a
// second would slow down requests beside them, though processors were free.
const (
	beginningsPerProcessor = 500
	beginningsBurst        = 16
)

// pace gives out turns, so that those who come all at once don't take the
// processors from what is under way.
type pace struct {
	interval time.Duration
	ahead    time.Duration // how far those that wait for nothing may be

	mu sync.Mutex
	// next is the earliest turn that isn't taken.
	next time.Time
}

// newPace returns a pace of so many turns a second for each processor. As many as
// burst may come at once.
func newPace(perProcessor, burst int) *pace {
	interval := time.Second / time.Duration(perProcessor*runtime.GOMAXPROCS(0))
	return &pace{interval: interval, ahead: time.Duration(burst) * interval}
}

// take takes the next turn, and returns how far it is away. One that is further
// than patience isn't taken.
func (p *pace) take(now time.Time, patience time.Duration) (wait time.Duration, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := now.Add(-p.ahead); p.next.Before(earliest) {
		p.next = earliest
	}
	if wait = p.next.Sub(now); wait > patience {
		return wait, false
	}
	p.next = p.next.Add(p.interval)
	return max(0, wait), true
}
