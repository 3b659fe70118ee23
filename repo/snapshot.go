package repo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

const (
	// snapshotTimeout bounds the taking of a snapshot, whoever asks for it.
	snapshotTimeout = 10 * time.Minute

	// abandonedAfter is when nobody can still be taking a snapshot, even where
	// the server's clock and the database's don't run alike.
	abandonedAfter = 2 * snapshotTimeout

	// levelsAtOnce is how many levels one step copies or clears away: a fraction
	// of a second's work. A longer one would keep old versions of hot rows from
	// being pruned.
	levelsAtOnce = 10_000
)

// abandoned are the snapshots that were left unfinished.
var abandoned = fmt.Sprintf("taken_at IS NULL AND started_at < clock_timestamp() - interval '%d seconds'", abandonedAfter/time.Second)

// TakeSnapshot copies stock levels: those of the SKUs that are named, which must
// all be known, or all there are. They are copied in steps while stock goes on
// changing, each with the version it had. A server takes one at a time; others
// wait for their turn, and if their time runs out before it the answer is
// ErrOverloaded.
//
// After ErrUnknownOutcome, Snapshots tells whether it was taken. After any other
// error it was not.
func (r *Repo) TakeSnapshot(ctx context.Context, command inventory.TakeSnapshot) (inventory.Outcome, error) {
	if invalid := command.Validate(); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	known, err := r.knownSKUs(ctx, command.SKUs)
	if err != nil {
		return inventory.Outcome{}, fmt.Errorf("take snapshot: %w", err)
	}
	if unknown := command.Unknown(known); len(unknown) > 0 {
		return inventory.Outcome{Refused: unknown}, nil
	}
	select {
	case r.snapping <- struct{}{}:
		defer func() { <-r.snapping }()
	case <-ctx.Done():
		return inventory.Outcome{}, readFault(ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()

	var snapshot inventory.Snapshot
	if err := r.copyLevels(ctx, command.SKUs, &snapshot); err != nil {
		// Without its last step it is no snapshot, whatever became of the others.
		if errors.Is(err, ErrUnknownOutcome) {
			err = fmt.Errorf("%w: %v", ErrOverloaded, err)
		}
		return inventory.Outcome{}, fmt.Errorf("take snapshot: %w", err)
	}
	if err := r.finishSnapshot(ctx, &snapshot); err != nil {
		return inventory.Outcome{}, fmt.Errorf("take snapshot: %w", err)
	}
	return inventory.Outcome{Snapshot: &snapshot}, nil
}

// knownSKUs are those of the SKUs that there are.
func (r *Repo) knownSKUs(ctx context.Context, skus []string) ([]string, error) {
	if len(skus) == 0 {
		return nil, nil
	}
	var known []string
	err := r.query(ctx, "SELECT sku FROM skus WHERE sku = ANY(?::text[])", []any{pgdialect.Array(skus)}, &known)
	return known, err
}

// copyLevels begins a snapshot and fills it.
func (r *Repo) copyLevels(ctx context.Context, skus []string, into *inventory.Snapshot) error {
	if err := r.clearAbandoned(ctx); err != nil {
		return err
	}
	if err := r.write(ctx, "INSERT INTO snapshots (level_count) VALUES (0) RETURNING id", nil, &into.Number); err != nil {
		return err
	}
	var last inventory.LevelKey
	for copied := int32(levelsAtOnce); copied == levelsAtOnce; {
		var m message
		m.add(`WITH copied AS (
			INSERT INTO snapshot_levels (snapshot_id, sku, location, total, reserved, allocated, version)
			SELECT ?, sku, location, total, reserved, allocated, version FROM stock_levels
			WHERE (sku, location) > (?, ?)`, into.Number, last.SKU, last.Location)
		if skus != nil {
			m.add(" AND sku = ANY(?::text[])", pgdialect.Array(skus))
		}
		m.add(` ORDER BY sku, location LIMIT ? RETURNING sku, location)
			SELECT (SELECT count(*) FROM copied), sku, location FROM copied ORDER BY sku DESC, location DESC LIMIT 1`, levelsAtOnce)
		copied = 0
		if err := r.write(ctx, m.text.String(), m.args, &copied, &last.SKU, &last.Location); err != nil {
			return err
		}
		into.LevelCount += copied
	}
	return nil
}

// finishSnapshot makes it one. The time is read last, so that it is not before
// any change that was copied; changes of levels that were copied before it are
// in the audit log.
func (r *Repo) finishSnapshot(ctx context.Context, snapshot *inventory.Snapshot) error {
	err := r.write(ctx, "UPDATE snapshots SET taken_at = clock_timestamp(), level_count = ? WHERE id = ? RETURNING taken_at",
		[]any{snapshot.LevelCount, snapshot.Number}, &snapshot.TakenAt)
	if err == nil && snapshot.TakenAt.IsZero() {
		err = errors.New("it was cleared away before it was finished")
	}
	snapshot.TakenAt = snapshot.TakenAt.UTC()
	return err
}

// clearAbandoned deletes what nobody will finish, its levels first: so many
// would be too much for one step.
func (r *Repo) clearAbandoned(ctx context.Context) error {
	for cleared := levelsAtOnce; cleared == levelsAtOnce; {
		err := r.write(ctx, `WITH cleared AS (
			DELETE FROM snapshot_levels WHERE ctid = ANY(ARRAY(SELECT ctid FROM snapshot_levels
				WHERE snapshot_id IN (SELECT id FROM snapshots WHERE `+abandoned+`) LIMIT ?)) RETURNING 1)
			SELECT count(*) FROM cleared`, []any{levelsAtOnce}, &cleared)
		if err != nil {
			return err
		}
	}
	return r.write(ctx, "DELETE FROM snapshots WHERE "+abandoned, nil)
}

var snapshotCursors = cursorKind{"snapshot", isNumber}

// Snapshots answers the snapshots that were taken, newest first. The base that
// stands in for trimmed history is none of them.
func (r *Repo) Snapshots(ctx context.Context, page Page) (List[inventory.Snapshot], error) {
	after, problem := page.after(snapshotCursors)
	if problem != nil {
		return List[inventory.Snapshot]{}, problem
	}
	var rows []inventory.Snapshot
	err := r.query(ctx, `SELECT id AS number, taken_at, level_count FROM snapshots
		WHERE taken_at IS NOT NULL AND NOT is_base AND (?0 = '' OR id < nullif(?0, '')::bigint)
		ORDER BY id DESC LIMIT ?1`, []any{after, page.First + 1}, &rows)
	if err != nil {
		return List[inventory.Snapshot]{}, fmt.Errorf("snapshots: %w", err)
	}
	for i := range rows {
		rows[i].TakenAt = rows[i].TakenAt.UTC()
	}
	return listOf(page, rows, snapshotCursors, func(s inventory.Snapshot) string { return strconv.FormatInt(s.Number, 10) }), nil
}
