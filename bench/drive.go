package main

import (
	"context"
	"os"
	"time"
)

// drive is a phase of load over connections that each do the same.
type drive struct {
	name        string
	servers     []*server // in turn
	connections int
	duration    time.Duration
	// rate is how often a script is begun, a second. Zero: each connection begins
	// again as soon as it has been answered.
	rate float64
	// stopped ends it before its time; nil: nothing does.
	stopped func() bool
	// wanted is the outcome of the calls that count, which is done unless it is
	// given.
	wanted string
	script script
}

// script makes what a connection does again and again.
type script func(d *driver) (func() error, error)

// driver is one connection of a drive. Its calls count in numbers of its own, so
// that connections have nothing to wait for each other.
type driver struct {
	*caller
	latencies *histogram // of all of the drive
	from      time.Time  // what the latency of the next call counts from
	outcomes  map[string]int64
	done      int64
}

// call sends a request and counts what becomes of it.
func (d *driver) call(t template) (answer []byte, outcome string, err error) {
	if answer, err = d.send(t.request); err != nil {
		return nil, "", err
	}
	now := time.Now()
	d.latencies.record(now.Sub(d.from))
	// What a script does next begins with this answer.
	d.from = now
	if outcome = outcomeOf(answer); outcome == done {
		d.done++
	} else {
		d.outcomes[outcome]++
	}
	return answer, outcome, nil
}

// measured is what became of a phase of load, whoever made it.
type measured struct {
	wanted    int64 // calls that count
	seconds   float64
	latencies *histogram
	// late is how long after it was due a paced script was begun.
	late     *histogram
	outcomes map[string]int64
	spent    spent
}

// refused is how many calls were answered with something else than was wanted. A
// refusal may well be quicker, and has no latency of what was asked for.
func (m measured) refused() (count int64) {
	for _, calls := range m.outcomes {
		count += calls
	}
	return count - m.wanted
}

func (m measured) perSecond() float64 { return float64(m.wanted) / m.seconds }

// spent is processor time, and the time in which it was.
type spent struct {
	servers, client, machine time.Duration
	wall                     time.Duration
	known                    bool
}

// processBegun is what spent's wall time counts from.
var processBegun = time.Now()

// spending is the processor time up to now of servers, this process and the
// machine.
func spending(servers []*server) (spent, error) {
	var now spent
	for _, s := range servers {
		u, err := s.usage()
		if err != nil {
			return now, err
		}
		now.servers += u.cpu
	}
	client, err := usageOf(os.Getpid())
	if err != nil {
		return now, err
	}
	if now.machine, err = machineBusy(); err != nil {
		return now, err
	}
	now.client, now.known, now.wall = client.cpu, true, time.Since(processBegun)
	return now, nil
}

func (s spent) since(before spent) spent {
	if !s.known || !before.known {
		return spent{}
	}
	return spent{s.servers - before.servers, s.client - before.client, s.machine - before.machine, s.wall - before.wall, true}
}

func (s spent) plus(other spent) spent {
	return spent{s.servers + other.servers, s.client + other.client, s.machine + other.machine, s.wall + other.wall, s.known || other.known}
}

// drive loads the servers, and returns when all that was sent has been answered.
func (w *world) drive(ctx context.Context, d drive) (measured, error) {
	m := measured{latencies: new(histogram), late: new(histogram), outcomes: make(map[string]int64)}
	callers, err := w.callers(ctx, d.connections, d.servers)
	if err != nil {
		return m, err
	}
	defer callers.close()
	drivers, steps := make([]*driver, d.connections), make([]func() error, d.connections)
	for i, c := range callers {
		drivers[i] = &driver{caller: c, latencies: m.latencies, outcomes: make(map[string]int64)}
		if steps[i], err = d.script(drivers[i]); err != nil {
			return m, err
		}
	}
	if err := callers.connect(ctx); err != nil {
		return m, err
	}

	w.show.begin(w.name+": "+d.name, d.duration, m.latencies.count.Load)
	before, _ := spending(d.servers)
	begun := time.Now()
	if d.rate > 0 {
		err = paced(ctx, d.connections, pace{begun, d.rate, d.duration}, func(_ context.Context, worker, _ int, due time.Time) error {
			m.late.record(time.Since(due))
			drivers[worker].from = due
			return steps[worker]()
		})
	} else {
		end := begun.Add(d.duration)
		more := func(i int) bool {
			// As many as there are connections in any case: a round of nothing, for the
			// machine was busy as it began, says nothing.
			return i < d.connections || time.Now().Before(end) && (d.stopped == nil || !d.stopped())
		}
		err = closed(ctx, d.connections, more, func(_ context.Context, worker, _ int) error {
			drivers[worker].from = time.Now()
			return steps[worker]()
		})
	}
	m.seconds = time.Since(begun).Seconds()
	after, _ := spending(d.servers)
	m.spent = after.since(before)
	for _, one := range drivers {
		one.outcomes[done] += one.done
		for outcome, count := range one.outcomes {
			if count > 0 {
				m.outcomes[outcome] += count
			}
		}
	}
	if d.wanted == "" {
		d.wanted = done
	}
	m.wanted = m.outcomes[d.wanted]
	return m, err
}

// connect has all of them connected, so that load doesn't begin with it.
func (c callers) connect(ctx context.Context) error {
	return closed(ctx, min(preparers, len(c)), below(len(c)), func(_ context.Context, _, i int) error { return c[i].connect() })
}
