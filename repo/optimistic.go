package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// optimistic reads the levels without locking them, and saves only if none has
// moved meanwhile. Reservations to be ended are locked even so: they have one
// caller each, as a rule.
type optimistic struct{}

func (optimistic) name() inventory.Strategy { return inventory.Optimistic }

func (optimistic) load(ctx context.Context, t *tx, group footprint) (inventory.State, error) {
	return load(ctx, t, locks{reservations: true}, group)
}

func (optimistic) save(ctx context.Context, t *tx, changes inventory.Changes) error {
	var s save
	s.lockUnmoved(changes)
	s.write(changes)
	return s.commit(ctx, t)
}
