package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// pessimistic locks what the group touches before it is read, so that nothing
// can move until the save.
type pessimistic struct{}

func (pessimistic) name() inventory.Strategy { return inventory.Pessimistic }

func (pessimistic) load(ctx context.Context, t *tx, group footprint) (inventory.State, error) {
	return load(ctx, t, locks{reservations: true, levels: true}, group)
}

func (pessimistic) save(ctx context.Context, t *tx, changes inventory.Changes) error {
	var s save
	s.write(changes)
	return s.commit(ctx, t)
}
