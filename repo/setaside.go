package repo

import (
	"context"
	"slices"
	"time"

	"holdfast/internal/groupcommit"
)

const (
	// narrowLockTimeout is how long parts of a group wait, once the whole has
	// waited for something that isn't a row that can be seen.
	narrowLockTimeout = 50 * time.Millisecond

	// narrowingsMax bounds how often such a group is halved. What is left then is
	// set aside as it is.
	narrowingsMax = 31
)

// setAside sends the calls whose rows others hold off the lane. One that is
// alone already has waited long enough, unless what it waits for may be its own
// first try.
func (g *run) setAside(ctx context.Context) {
	if g.alone {
		g.settleWhere(func(c *call) bool { return !c.tried }, contended)
		return
	}
	g.again(retryLockTimeout)
	busy, err := g.repo.probe(ctx, footprintOf(g.open))
	switch {
	case err == nil && slices.ContainsFunc(g.open, busy.touchedBy):
		g.known.add(busy)
		g.settleWhere(busy.touchedBy, g.aside)
	case err == nil && len(g.open) > 1 && g.narrowings < narrowingsMax:
		// Who waits for what can't be seen, such as a client token that somebody
		// has inserted and not committed, is found by narrowing it down.
		g.narrowings++
		g.patience.lock = min(g.patience.lock, narrowLockTimeout)
		g.halve()
	default:
		g.settleWhere(all, g.aside)
	}
}

func (g *run) aside(*call) settled {
	g.repo.options.Observer.SetAside()
	return settled{Verdict: groupcommit.Alone}
}
