package repo

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
)

// retryJitter spreads the retries of optimistic rivals, so that they don't meet
// again.
const retryJitter = 5 * time.Millisecond

// retry sends the calls that touch a level that moved to the next group. The
// others stay, and are decided again at once.
func (g *run) retry(moved map[inventory.LevelKey]bool) {
	withMoved := map[string]bool{}
	for id, r := range g.state.Reservations {
		withMoved[id] = slices.ContainsFunc(r.Lines, func(line inventory.Line) bool { return moved[line.Key()] })
	}
	chosen := busyRows{moved, withMoved}.touchedBy
	if !slices.ContainsFunc(g.open, chosen) {
		chosen = all // the error had no room for their names
	}
	conflicts := 0
	g.settleWhere(chosen, func(c *call) settled {
		conflicts++
		c.retries++
		if c.retries > g.repo.options.OptimisticRetries {
			return contended(c)
		}
		return settled{Verdict: groupcommit.Again, After: rand.N(retryJitter)}
	})
	g.again(retryMoved)
	g.repo.options.Observer.Conflict(conflicts)
}

// movedLevels reads the levels that holdfast_unmoved names.
func movedLevels(err error) map[inventory.LevelKey]bool {
	moved := map[inventory.LevelKey]bool{}
	var keys [][2]string
	if json.Unmarshal([]byte(reportedField(err, fieldDetail)), &keys) == nil {
		for _, key := range keys {
			moved[inventory.LevelKey{SKU: key[0], Location: key[1]}] = true
		}
	}
	return moved
}

func contended(c *call) settled {
	if c.tried {
		return settled{Verdict: groupcommit.Answered, Err: ErrUnknownOutcome}
	}
	return settled{Verdict: groupcommit.Answered, Result: inventory.Outcome{Refused: []*inventory.Error{{
		Code:    inventory.Contended,
		Message: "too many others want the same stock; nothing was done, and it is safe to repeat",
	}}}}
}
