package repo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"holdfast/internal/inventory"
)

// repairsAtOnce is how many levels of a run are repaired at once. Their commands
// meet in a group; the connections are those that the check gave back.
const repairsAtOnce = consistencyStreams

// repair sets the levels right, and counts them in the run. A level that can't
// be repaired is left, and told of. The error is ErrUnknownOutcome where ctx ended
// before it was through.
func (r *Repo) repair(ctx context.Context, run *inventory.ReconciliationRun, drifted []inventory.LevelKey) error {
	var repaired atomic.Int32
	var group errgroup.Group
	group.SetLimit(repairsAtOnce)
	for _, key := range drifted {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			done, err := r.repairLevel(ctx, run, key)
			if err != nil {
				r.options.Log.Warn("a stock level was not repaired", "run", run.Number, "sku", key.SKU, "location", key.Location, "error", err)
			}
			if done {
				repaired.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait()
	run.Repaired = repaired.Load()
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
	return nil
}

// repairLevel measures the level's drift and takes it off. It says whether it
// did: there may be nothing left to do, because somebody else has. Where a count
// of the total has taken it off, the log still wants the checkpoint.
func (r *Repo) repairLevel(ctx context.Context, run *inventory.ReconciliationRun, key inventory.LevelKey) (bool, error) {
	command := inventory.RepairLevel{Key: key, Actor: run.Actor, Reference: run.Reference()}
	var counted bool
	err := r.queryWith(ctx, invariantPatience,
		"SELECT total, reserved, allocated, settled_version, counted_version > 0 FROM stock_drift WHERE sku = ? AND location = ?",
		[]any{key.SKU, key.Location},
		&command.Drift.Total, &command.Drift.Reserved, &command.Drift.Allocated, &command.SettledVersion, &counted)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !counted && command.Drift == inventory.Drift{}:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("measure its drift: %w", err)
	}
	outcome, err := r.through(ctx, inventory.Pessimistic, newCall(run.Actor, command))
	switch {
	case err != nil:
		return false, err
	case len(outcome.Refused) > 0:
		return false, outcome.Refused[0]
	}
	return !outcome.Replayed, nil
}
