package repo

import (
	"slices"

	"holdfast/internal/inventory"
)

// Where a COMMIT's answer was lost, the first try may have been carried out,
// or may still be. Until a run under locks has found out, nobody is told that
// nothing was done.

// mayBeCommitted notes that the next run must look for what this one did,
// unless the server itself said that it did nothing.
func (g *run) mayBeCommitted(err error) {
	if !connectionLost(err) {
		return
	}
	for _, c := range g.open {
		c.tried = true
	}
}

// announceFound tells of what was loaded if a first try may be part of it: that
// one was cut off before it could tell. Versions keep what is old news from
// being told twice.
func (g *run) announceFound() {
	if !slices.ContainsFunc(g.open, func(c *call) bool { return c.tried }) {
		return
	}
	g.repo.announceState(g.state)
}

// announceState tells of what was read as if all of it had changed.
func (r *Repo) announceState(state inventory.State) {
	found := inventory.Changes{At: state.Now}
	for _, level := range state.Levels {
		found.Levels = append(found.Levels, inventory.LevelChange{After: level, VersionBefore: level.Version})
	}
	for _, one := range state.Reservations {
		found.Moved = append(found.Moved, inventory.ReservationMove{After: one, RevisionBefore: one.Revision})
	}
	r.announce(found)
}
