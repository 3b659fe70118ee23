package repo

import (
	"context"
	"errors"
	"slices"
	"time"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
)

const (
	// groupLockTimeout is how long a group waits for a lock before it sets
	// aside the commands whose rows it can't get.
	groupLockTimeout = time.Second

	// collisionsMax bounds how often a group is run again because another
	// transaction came between. Each time, somebody else got further.
	collisionsMax = 20

	reconnectPauseMin = 20 * time.Millisecond
	reconnectPauseMax = time.Second

	// The largest group: beyond it a bigger one is no faster, and its locks are
	// held longer.
	groupCommandsMax = 512
	groupLinesMax    = 2048
	// What may wait; at 10,000 commands a second, a second's worth or so.
	queueCommandsMax = 16384
	queueLinesMax    = 65536
	// aloneMax is how many commands that were set aside wait at once, each on
	// a connection of its own.
	aloneMax = 4
)

type settled = groupcommit.Settled[inventory.Outcome]

func (r *Repo) newLane(s strategy) *groupcommit.Lane[*call, inventory.Outcome] {
	var known knownBusy // a lane runs one group at a time
	var refusing bool
	flush := func(ctx context.Context, group []*call, alone bool) ([]settled, error) {
		defer r.logPanic()
		ctx, end := r.options.Tracer.Group(ctx, s.name(), len(group), callersOf(group, (*call).calledBy))
		defer end()
		g := r.newRun(s, group, alone)
		if !alone {
			g.known, g.refusing = &known, &refusing
		}
		return g.untilSettled(ctx), nil
	}
	return groupcommit.New(flush, groupcommit.Options[*call]{
		GroupMax:       groupCommandsMax,
		GroupWeightMax: groupLinesMax,
		QueueMax:       queueCommandsMax,
		QueueWeightMax: queueLinesMax,
		AloneMax:       aloneMax,
		Weight:         (*call).lines,
		Observe:        func(group groupcommit.Group) { r.options.Observer.Group(s.name(), group) },
	})
}

// run takes one group to its end.
type run struct {
	repo     *Repo
	strategy strategy
	patience patience
	alone    bool
	// known is what the lane's groups have found busy; nil for one alone.
	known *knownBusy
	// refusing is whether the lane's last group changed nothing; nil for one alone.
	refusing *bool
	group    []*call
	settled  map[*call]settled
	open     []*call
	// later are parts of the group that are run once nothing is open.
	later      [][]*call
	narrowings int
	// state is what was loaded last.
	state inventory.State
}

func (r *Repo) newRun(s strategy, group []*call, alone bool) *run {
	p := patienceFor(min(groupLockTimeout, r.options.LockTimeout))
	if alone {
		p = patienceFor(r.options.LockTimeout)
	}
	return &run{
		repo: r, strategy: s, patience: p, alone: alone,
		group: group, settled: make(map[*call]settled, len(group)), open: slices.Clone(group),
	}
}

// untilSettled runs the group, again where it must be, until each of its calls
// is answered or sent elsewhere.
func (g *run) untilSettled(ctx context.Context) []settled {
	ctx, cancel := context.WithTimeout(ctx, g.repo.options.RequestTimeout)
	defer cancel()
	if !g.alone {
		g.setAsideKnown(ctx)
	}
	pause, refuseAt := reconnectPauseMin, time.Now().Add(g.repo.options.RequestTimeout/2)
	for collisions := 0; g.more(); {
		err := g.once(ctx)
		switch {
		case err == nil:
			g.repo.outage.ended(g.repo.options.Log)
		case errors.Is(err, errTooManyLines):
			g.again(retryTooLarge)
			g.halve()
		case lockTimedOut(err):
			g.setAside(ctx)
		case sqlState(err) == stateMoved:
			g.retry(movedLevels(err))
		case collided(err) && collisions < collisionsMax:
			collisions++
			g.again(retryCollision)
		case collided(err):
			g.repo.options.Log.Warn("others came between a group again and again; it was given up", "commands", len(g.open), "error", err)
			g.settleWhere(all, contended)
		case unavailable(err):
			g.repo.outage.began(err, g.repo.options.Log)
			g.again(retryUnavailable)
			if time.Now().Add(pause).After(refuseAt) {
				g.refuseUntried(err)
			}
			if !sleep(ctx, pause) {
				g.gaveUp(err)
			}
			pause = min(2*pause, reconnectPauseMax)
		case causedByData(err) && len(g.open) > 1:
			g.again(retryData)
			g.halve()
		default:
			g.fail(err)
		}
	}
	return g.inOrder()
}

// once runs what is open of the group as one transaction. If it succeeds, all
// of it is answered.
func (g *run) once(ctx context.Context) error {
	limits := g.patience.within(ctx)
	ctx, cancel := context.WithTimeout(ctx, limits.connection)
	defer cancel()
	t, err := g.repo.begin(ctx, limits)
	if err != nil {
		return err
	}
	defer t.end(ctx)

	s := g.strategyNow()
	outcomes, changes, err := g.look(ctx, t, s)
	if err == nil && outcomes == nil {
		outcomes, changes, err = g.decideBy(ctx, t, s, s)
	}
	if err != nil {
		return err
	}
	if !changes.Empty() {
		began := time.Now()
		saved := g.repo.options.Tracer.Message(ctx, messageSave)
		err = s.save(ctx, t, changes)
		saved(err)
		if err != nil {
			g.mayBeCommitted(err)
			return err
		}
		g.repo.options.Observer.Committed(s.name(), time.Since(began))
		g.repo.observeExpired(changes)
	}
	if g.refusing != nil {
		*g.refusing = changes.Empty()
	}
	g.announceFound()
	g.repo.announce(changes)
	for i, c := range g.open {
		g.settled[c] = settled{Verdict: groupcommit.Answered, Result: outcomes[i]}
	}
	g.open = nil
	return nil
}

// look decides by what can be read without a lock, and answers no outcomes if
// anything would be written. A lock writes to its row, and waits for others: where
// a SKU is sold out, group after group would do so to change nothing. A refusal
// was right at the moment of the read, which began after its command had come, and
// an OPTIMISTIC one is no other.
func (g *run) look(ctx context.Context, t *tx, s strategy) ([]inventory.Outcome, inventory.Changes, error) {
	lock := func(c *call) bool { return c.tried || len(c.footprint.Reservations) > 0 }
	if s != (pessimistic{}) || g.refusing == nil || !*g.refusing || slices.ContainsFunc(g.open, lock) {
		return nil, inventory.Changes{}, nil
	}
	outcomes, changes, err := g.decideBy(ctx, t, s, optimistic{})
	if err != nil || !changes.Empty() {
		return nil, inventory.Changes{}, err
	}
	return outcomes, changes, nil
}

// decideBy decides by what a strategy loads for the group's own.
func (g *run) decideBy(ctx context.Context, t *tx, own, loader strategy) ([]inventory.Outcome, inventory.Changes, error) {
	began := time.Now()
	loaded := g.repo.options.Tracer.Message(ctx, messageLoad)
	var err error
	g.state, err = loader.load(ctx, t, footprintOf(g.open))
	loaded(err)
	if err != nil {
		return nil, inventory.Changes{}, err
	}
	g.repo.options.Observer.Loaded(own.name(), time.Since(began))
	if len(g.open) > 1 && linesOf(g.state) > groupLinesMax {
		return nil, inventory.Changes{}, errTooManyLines
	}
	outcomes, changes := g.decide()
	return outcomes, changes, nil
}

// errTooManyLines says that the reservations that a group ends have more lines
// than a group may, which nobody knew before they were loaded.
var errTooManyLines = errors.New("a group's reservations have too many lines")

func linesOf(state inventory.State) int {
	lines := 0
	for _, r := range state.Reservations {
		lines += len(r.Lines)
	}
	return lines
}

// strategyNow is the group's own, unless somebody in it was tried before, or
// has no other try left: then it locks.
func (g *run) strategyNow() strategy {
	lastRetry := g.repo.options.OptimisticRetries
	for _, c := range g.open {
		if c.tried || lastRetry > 0 && c.retries == lastRetry {
			return pessimistic{}
		}
	}
	return g.strategy
}

func (g *run) decide() ([]inventory.Outcome, inventory.Changes) {
	requests := make([]inventory.Request, len(g.open))
	for i, c := range g.open {
		if c.request.ID == "" {
			c.request.ID = newID(g.state.Now)
		}
		requests[i] = c.request
	}
	return inventory.Decide(g.repo.options.Limits, g.state, requests)
}

// more makes the next part the open one if there is none.
func (g *run) more() bool {
	if last := len(g.later) - 1; len(g.open) == 0 && last >= 0 {
		g.open, g.later = g.later[last], g.later[:last]
	}
	return len(g.open) > 0
}

// halve leaves the second half of what is open for later. The parts keep their
// order, and one that was committed is not run again.
func (g *run) halve() {
	half := len(g.open) / 2
	g.later = append(g.later, g.open[half:])
	g.open = g.open[:half:half]
}

// again tells that what is open, or a part of it, goes on to another try.
func (g *run) again(reason string) { g.repo.options.Observer.Retry(reason) }

func all(*call) bool { return true }

func (g *run) settleWhere(chosen func(*call) bool, as func(*call) settled) {
	g.open = slices.DeleteFunc(g.open, func(c *call) bool {
		if !chosen(c) {
			return false
		}
		g.settled[c] = as(c)
		return true
	})
}

// refuseUntried answers the calls of which nothing was sent, while their
// callers still wait: later, all that these could be told is that they gave up.
func (g *run) refuseUntried(cause error) {
	g.settleWhere(func(c *call) bool { return !c.tried }, func(*call) settled {
		return settled{Verdict: groupcommit.Answered, Err: errors.Join(ErrOverloaded, cause)}
	})
}

// gaveUp answers what is open when the database couldn't be reached in time.
func (g *run) gaveUp(cause error) {
	doubtful := 0
	for _, c := range g.open {
		if c.tried {
			doubtful++
		}
	}
	if doubtful > 0 {
		g.repo.options.Log.Warn("it is not known whether commands were done; to repeat one finds out", "commands", doubtful)
	}
	g.fail(errors.Join(ErrOverloaded, cause))
}

// fail answers what is open with a fault.
func (g *run) fail(err error) {
	g.settleWhere(all, func(*call) settled {
		return settled{Verdict: groupcommit.Answered, Err: err}
	})
}

func (g *run) inOrder() []settled {
	answers := make([]settled, len(g.group))
	for i, c := range g.group {
		answers[i] = g.settled[c]
	}
	return answers
}

func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
