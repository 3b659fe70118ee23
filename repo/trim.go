package repo

import (
	"context"
	"errors"
	"time"
)

const (
	// entriesPerStep and the others bound what one transaction deletes, to some
	// tens of milliseconds' work.
	entriesPerStep = 1_000
	levelsPerStep  = 5_000
	runsPerStep    = 20 // with up to issuesMax issues each

	// trimLockTimeout is how long a step waits for a reservation that somebody
	// has locked, whose command comes late.
	trimLockTimeout = 100 * time.Millisecond

	// trimLockKey names the advisory lock that lets one server trim at a time.
	trimLockKey = 0x72657461696e6564 // "retained"

	// A step is small, and knows its rows by their keys: it must not read a
	// whole table because the statistics are out of date.
	trimSettings = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off; "
)

// errTrimmedElsewhere says that another server is trimming.
var errTrimmedElsewhere = errors.New("another server is trimming")

// step runs a statement that trims, in a transaction of its own, and scans the
// row that it answers. If that fails it is safe to repeat.
func (p *trimPass) step(ctx context.Context, statement string, args []any, dest ...any) error {
	patience := patienceFor(trimLockTimeout)
	ctx, cancel := context.WithTimeout(ctx, patience.connection)
	defer cancel()
	t, err := p.repo.begin(ctx, patience)
	if err != nil {
		return err
	}
	defer t.end(ctx)

	// By a message of its own: the statement must see what the one who had the
	// lock before has committed.
	var locked bool
	if err := t.query(ctx, trimSettings+"SELECT pg_try_advisory_xact_lock(?)", []any{trimLockKey}, &locked); err != nil {
		return err
	}
	if !locked {
		return errTrimmedElsewhere
	}
	return t.commit(ctx, statement, args, dest...)
}

// trimLog deletes the first entries of the log, up to one that is not as old as
// the cut-off, with the reservations that ended by them and all their tokens.
//
// Of each level it is always the first entries that go, those of the lowest
// versions. A command draws its entries' ids while it has its levels locked, so
// that along a level ids rise with versions, and entries that can't be seen yet
// come after those that can. Where a reservation's last entries lie on both
// sides of a step's end, the rest of them goes with it. No entry of its levels
// lies between: the command that wrote them locked all its levels before it drew
// the first id.
//
// Up to which id entries went, which those who follow the log want to know, is
// noted in the base by a trigger of the table.
//
// Only the reservations are waited for, in the order of their ids. They ended,
// so nobody changes them any more.
func (p *trimPass) trimLog(ctx context.Context, limit int) (more bool, err error) {
	var gone trimmed
	err = p.step(ctx, trimLogStatement, []any{p.through, limit, p.cutoff},
		&gone.entries, &gone.reservations, &p.through, &p.horizon)
	if err != nil {
		return false, err
	}
	p.gone.entries += gone.entries
	p.gone.reservations += gone.reservations
	return gone.entries >= int64(limit), nil
}

const trimLogStatement = `
	WITH first AS MATERIALIZED (
		SELECT * FROM audit_log WHERE id > ?0 ORDER BY id LIMIT ?1
	), old AS MATERIALIZED (
		SELECT * FROM first WHERE id < coalesce((SELECT min(id) FROM first WHERE at >= ?2), 9223372036854775807)
	), ended AS MATERIALIZED (
		SELECT id, holdfast_token_key(principal, client_token) AS token_key FROM reservations
		WHERE id IN (SELECT reservation_id FROM old WHERE action IN ('RELEASED', 'EXPIRED', 'FULFILLED', 'CANCELLED'))
			AND status IN ('RELEASED', 'EXPIRED', 'FULFILLED', 'CANCELLED')
		ORDER BY id FOR UPDATE
	), trimmed AS MATERIALIZED (
		SELECT * FROM old
		UNION ALL
		SELECT * FROM audit_log WHERE reservation_id IN (SELECT id FROM ended) AND id > (SELECT max(id) FROM old)
	), last AS MATERIALIZED (
		SELECT DISTINCT ON (sku, location) sku, location, total, reserved, allocated, version
		FROM trimmed WHERE version IS NOT NULL ORDER BY sku, location, version DESC
	), base AS (
		INSERT INTO snapshots (taken_at, level_count, is_base)
		SELECT max(at), count(*) FILTER (WHERE version = 1), true FROM trimmed HAVING count(*) > 0
		ON CONFLICT (is_base) WHERE is_base DO UPDATE SET
			taken_at = greatest(snapshots.taken_at, excluded.taken_at), level_count = snapshots.level_count + excluded.level_count
		RETURNING id, taken_at
	), base_levels AS (
		INSERT INTO snapshot_levels (snapshot_id, sku, location, total, reserved, allocated, version)
		SELECT base.id, last.* FROM base, last
		ON CONFLICT (sku, location, snapshot_id) DO UPDATE SET
			total = excluded.total, reserved = excluded.reserved, allocated = excluded.allocated, version = excluded.version
	), deleted_reservations AS (
		DELETE FROM reservations WHERE id IN (SELECT id FROM ended)
	), deleted_lines AS (
		DELETE FROM reservation_lines WHERE reservation_id IN (SELECT id FROM ended)
	), deleted_tokens AS (
		DELETE FROM client_tokens AS token USING (
			SELECT token_key, id AS command_id FROM ended
			UNION ALL
			SELECT token_key, command_id FROM trimmed WHERE token_key IS NOT NULL) AS made
		WHERE token.key = made.token_key AND token.command_id = made.command_id
	), deleted_entries AS (
		DELETE FROM audit_log WHERE id IN (SELECT id FROM trimmed)
	)
	SELECT (SELECT count(*) FROM trimmed), (SELECT count(*) FROM ended),
		(SELECT coalesce(max(id), ?0) FROM old),
		coalesce((SELECT taken_at FROM base), (SELECT taken_at FROM snapshots WHERE is_base))`

// trimSnapshot deletes levels of the oldest snapshot that lies before the
// horizon, and with the last of them the snapshot: no history that is left
// begins with it.
func (p *trimPass) trimSnapshot(ctx context.Context, limit int) (more bool, err error) {
	var levels, snapshots int64
	err = p.step(ctx, `
		WITH old AS MATERIALIZED (
			SELECT id FROM snapshots WHERE NOT is_base AND taken_at < (SELECT taken_at FROM snapshots WHERE is_base) ORDER BY id LIMIT 1
		), deleted_levels AS (
			DELETE FROM snapshot_levels WHERE (sku, location, snapshot_id) IN (
				SELECT sku, location, snapshot_id FROM snapshot_levels WHERE snapshot_id = (SELECT id FROM old) LIMIT ?0)
			RETURNING 1
		), deleted_snapshot AS (
			DELETE FROM snapshots WHERE id IN (SELECT id FROM old) AND (SELECT count(*) FROM deleted_levels) < ?0
			RETURNING 1
		)
		SELECT (SELECT count(*) FROM deleted_levels), (SELECT count(*) FROM deleted_snapshot)`,
		[]any{limit}, &levels, &snapshots)
	p.gone.snapshots += snapshots
	return levels+snapshots > 0, err
}

// trimRuns deletes the oldest reconciliation runs, with their issues.
func (p *trimPass) trimRuns(ctx context.Context, limit int) (more bool, err error) {
	var runs int64
	err = p.step(ctx, `
		WITH deleted AS (
			DELETE FROM reconciliation_runs WHERE id IN (
				SELECT id FROM reconciliation_runs WHERE started_at < ? ORDER BY id LIMIT ?)
			RETURNING 1
		)
		SELECT count(*) FROM deleted`, []any{p.cutoff, limit}, &runs)
	p.gone.runs += runs
	return runs >= int64(limit), err
}
