package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// strategy is how a group is kept apart from others that touch the same rows:
// the two verbs in which the strategies differ.
type strategy interface {
	name() inventory.Strategy
	// load reads what the group touches, with the database's time.
	load(ctx context.Context, t *tx, group footprint) (inventory.State, error)
	// save writes the changes and commits, or does neither.
	save(ctx context.Context, t *tx, changes inventory.Changes) error
}
