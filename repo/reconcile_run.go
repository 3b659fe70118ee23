package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"holdfast/internal/inventory"
)

// claimLock names the advisory lock under which servers see whether a run is
// due. Any constant does, as long as every server has the same.
const claimLock = 0x7265636f6e63696c // "reconcil"

// claimSlack is the part of the interval by which a run may be early, so that
// the one that is due is not missed for having begun a moment sooner.
const claimSlack = 10

// startRun writes the row of a run that was asked for.
func (r *Repo) startRun(ctx context.Context, actor string, reason *string) (inventory.ReconciliationRun, error) {
	run := inventory.ReconciliationRun{Actor: actor, Reason: reason}
	err := r.write(ctx, `INSERT INTO reconciliation_runs (started_at, actor, reason) VALUES (clock_timestamp(), ?, ?)
		RETURNING id, started_at`, []any{actor, reason}, &run.Number, &run.StartedAt)
	run.StartedAt = run.StartedAt.UTC()
	return run, err
}

// claimRun writes the row of a run of the system if one is due. One server looks
// at a time, and sees what the one before it wrote.
func (r *Repo) claimRun(ctx context.Context, interval time.Duration) (run inventory.ReconciliationRun, due bool, err error) {
	run.Actor = inventory.ActorSystem
	t, err := r.begin(ctx, patienceFor(readLockTimeout).within(ctx))
	if err != nil {
		return run, false, err
	}
	defer t.end(ctx)
	if err := t.query(ctx, "SELECT pg_advisory_xact_lock(?)", []any{claimLock}); err != nil {
		return run, false, err
	}
	err = t.commit(ctx, `INSERT INTO reconciliation_runs (started_at, actor)
		SELECT now, ?0 FROM clock_timestamp() AS now
		WHERE NOT EXISTS (SELECT FROM reconciliation_runs
			WHERE actor = ?0 AND is_consistent IS NOT NULL AND started_at > now - interval '1 microsecond' * ?1
				OR finished_at IS NULL AND started_at > now - interval '1 microsecond' * ?2)
		RETURNING id, started_at`,
		[]any{run.Actor, (interval - interval/claimSlack).Microseconds(), runTimeout.Microseconds()}, &run.Number, &run.StartedAt)
	run.StartedAt = run.StartedAt.UTC()
	return run, run.Number != 0, err
}

// recordFound writes what the check found.
func (r *Repo) recordFound(ctx context.Context, run inventory.ReconciliationRun) error {
	rows := make([]issueRow, len(run.Issues))
	for i, issue := range run.Issues {
		rows[i] = issueRow{i, issue.Invariant, issue.SKU, issue.Location, issue.ReservationID, issue.Expected, issue.Actual, issue.Detail, issue.Repairable}
	}
	issues, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return r.write(ctx, `WITH recorded AS (
			INSERT INTO reconciliation_issues (run_id, ordinal, invariant, sku, location, reservation_id, expected, actual, detail, repairable)
			SELECT ?0, i.ordinal, i.invariant, i.sku, i.location, i.reservation_id, i.expected, i.actual, i.detail, i.repairable
			FROM json_populate_recordset(NULL::reconciliation_issues, ?1::json) AS i)
		UPDATE reconciliation_runs SET is_consistent = ?2 WHERE id = ?0`,
		[]any{run.Number, string(issues), run.IsConsistent})
}

// endRun writes that the run has ended, with what it repaired.
func (r *Repo) endRun(ctx context.Context, run *inventory.ReconciliationRun) error {
	ctx, cancel := context.WithTimeout(ctx, patienceFor(readLockTimeout).connection)
	defer cancel()
	var finished time.Time
	err := r.write(ctx, "UPDATE reconciliation_runs SET finished_at = clock_timestamp(), repaired = ? WHERE id = ? RETURNING finished_at",
		[]any{run.Repaired, run.Number}, &finished)
	run.FinishedAt = utc(&finished)
	return err
}

var runCursors = cursorKind{"run", isNumber}

// ReconciliationRuns answers the runs that came to record what they found, the
// newest first.
func (r *Repo) ReconciliationRuns(ctx context.Context, page Page) (List[inventory.ReconciliationRun], error) {
	after, problem := page.after(runCursors)
	if problem != nil {
		return List[inventory.ReconciliationRun]{}, problem
	}
	var encoded []json.RawMessage
	err := r.query(ctx, `
		SELECT to_json(r) FROM (
			SELECT *, (SELECT json_agg(i ORDER BY ordinal) FROM reconciliation_issues AS i WHERE run_id = id) AS issues
			FROM reconciliation_runs
			WHERE is_consistent IS NOT NULL AND (?0 = '' OR id < nullif(?0, '')::bigint)
			ORDER BY id DESC LIMIT ?1) AS r`,
		[]any{after, page.First + 1}, &encoded)
	if err != nil {
		return List[inventory.ReconciliationRun]{}, fmt.Errorf("reconciliation runs: %w", err)
	}
	runs := make([]inventory.ReconciliationRun, len(encoded))
	for i, row := range encoded {
		var decoded runRow
		if err := json.Unmarshal(row, &decoded); err != nil {
			return List[inventory.ReconciliationRun]{}, fmt.Errorf("reconciliation runs: %w", err)
		}
		runs[i] = decoded.run()
	}
	return listOf(page, runs, runCursors, inventory.ReconciliationRun.ID), nil
}
