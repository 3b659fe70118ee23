package repo

import (
	"context"
	"maps"
	"slices"
	"time"
)

// busyMemory is how long rows that a group has waited for in vain are taken to be
// busy still.
const busyMemory = time.Second

// knownBusy is what a lane remembers of rows that others hold, so that not each
// of its groups waits for them anew. It forgets what nobody has asked for when
// it is looked at again, and so stays as small as a few groups.
type knownBusy struct {
	rows     busyRows
	lookedAt time.Time
}

func (k *knownBusy) add(busy busyRows) {
	if k.rows.none() {
		k.rows = newBusyRows()
	}
	maps.Copy(k.rows.levels, busy.levels)
	maps.Copy(k.rows.reservations, busy.reservations)
	k.lookedAt = time.Now()
}

// setAsideKnown sends the calls that touch rows known to be busy off the lane.
// Once that is old knowledge it looks again, which waits for nobody.
func (g *run) setAsideKnown(ctx context.Context) {
	known := g.known
	if known.rows.none() {
		return
	}
	if time.Since(known.lookedAt) > busyMemory {
		touching := slices.DeleteFunc(slices.Clone(g.open), func(c *call) bool { return !known.rows.touchedBy(c) })
		known.rows = busyRows{}
		if len(touching) == 0 {
			return
		}
		busy, err := g.repo.probe(ctx, footprintOf(touching))
		if err != nil {
			return // the group finds out by waiting
		}
		known.add(busy)
	}
	g.settleWhere(known.rows.touchedBy, g.aside)
}
