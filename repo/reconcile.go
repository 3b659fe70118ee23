package repo

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/inventory"
)

// Reconciliation is the consistency check with a memory: a run is recorded with
// what it found, and may then repair it.
//
//	start ─► check ─► record what was found ─► repair, level by level ─► finish
//
// What was found is on record before anything is repaired, for a repair ends the
// verification of what was before it. A run that is cut off has done no harm:
// each level is repaired by one command, or not at all.

// runTimeout bounds a run. One that is unfinished for longer has died with its
// server.
const runTimeout = 2 * consistencyTimeout

// Reconcile runs the consistency check over everything, records what it found,
// and repairs it if asked. What breaks a rule is refused. ErrOverloaded says that
// no run was begun. If ctx ends later the run goes on, and the answer is
// ErrUnknownOutcome: ReconciliationRuns will tell. It is safe to repeat.
func (r *Repo) Reconcile(ctx context.Context, wanted inventory.Reconcile) (inventory.Outcome, error) {
	if invalid := wanted.Validate(); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	if !r.admitRun() {
		return inventory.Outcome{}, ErrOverloaded
	}
	if err := r.takeTurn(ctx); err != nil {
		r.runs.Done()
		return inventory.Outcome{}, err
	}
	run, err := r.startRun(ctx, principalOf(ctx), wanted.Reason)
	if err != nil {
		r.passTurn()
		r.runs.Done()
		return inventory.Outcome{}, fmt.Errorf("reconcile: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		defer r.runs.Done()
		err := r.reconcile(r.running, &run, wanted.Repair)
		if err != nil { // the caller may have left
			r.options.Log.Error("reconciliation failed", "run", run.Number, "error", err)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return inventory.Outcome{Run: &run}, err
	case <-ctx.Done():
		return inventory.Outcome{}, fmt.Errorf("reconcile: %w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// admitRun counts a run that Close is to wait for, or says that it is too late
// for one.
func (r *Repo) admitRun() bool {
	r.admitting.Lock()
	defer r.admitting.Unlock()
	if r.running.Err() != nil {
		return false
	}
	r.runs.Add(1)
	return true
}

// ReconcileIfDue is a run that repairs, by the system, unless another such run
// of any server was begun within the interval and did find out, or any run is
// under way. Servers that call it at the interval make one run of it together.
func (r *Repo) ReconcileIfDue(ctx context.Context, interval time.Duration) error {
	if err := r.takeTurn(ctx); err != nil {
		return err
	}
	run, due, err := r.claimRun(ctx, interval)
	if err != nil || !due {
		r.passTurn()
		return err
	}
	return r.reconcile(ctx, &run, true)
}

// reconcile takes a run from its start to its end. The turn to check is taken,
// and passed on after the check.
func (r *Repo) reconcile(ctx context.Context, run *inventory.ReconciliationRun, repair bool) error {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	report, drifted, err := r.check(ctx, nil)
	r.passTurn()
	if err == nil {
		run.IsConsistent, run.Issues = report.IsConsistent(), report.Issues
		err = r.recordFound(ctx, *run)
	}
	err = readFault(err)
	if err == nil && repair {
		err = r.repair(ctx, run, drifted)
	}
	// A run that was broken off is not under way any more either.
	if ended := r.endRun(context.WithoutCancel(ctx), run); err == nil && ended != nil {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, ended)
	}
	if err != nil {
		return fmt.Errorf("reconciliation run %d: %w", run.Number, err)
	}
	r.logRun(*run, report.InconsistentSKUs)
	return nil
}

// logRun tells the operator, once a run, and of each thing that stays wrong.
func (r *Repo) logRun(run inventory.ReconciliationRun, inconsistentSKUs int32) {
	log := r.options.Log.With("run", run.Number)
	if run.IsConsistent {
		log.Info("reconciliation found everything consistent")
		return
	}
	log.Error("reconciliation found drift", "issues", len(run.Issues), "inconsistentSkus", inconsistentSKUs, "repaired", run.Repaired)
	for _, issue := range run.Issues {
		if !issue.Repairable {
			log.Warn("this can't be repaired without guessing", "invariant", issue.Invariant, "detail", issue.Detail)
		}
	}
}
