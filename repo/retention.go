package repo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// trimRest is how many times as long as a step took a pass rests after it, so
// that holds have the database nearly to themselves.
const trimRest = 4

// Trim deletes what is older than the retention by the database's clock, in
// steps of a transaction each, until nothing is left of it or ctx ends:
//
//   - audit entries, from the first on, with the client tokens of which they are
//     the only effect;
//   - reservations that ended, each with its lines, token and entries. One that
//     is HELD or ALLOCATED stays, however old;
//   - snapshots from before what then is the first entry, and reconciliation
//     runs.
//
// What the deleted entries came to is kept in the base snapshot. A pass ends
// early, without an error, where another server is at it or a reservation stays
// locked; the next one goes on. A retention of less than what a transaction may
// take would tear the history.
func (r *Repo) Trim(ctx context.Context, retention time.Duration) error {
	pass := trimPass{repo: r}
	err := r.queryWith(ctx, patienceFor(readLockTimeout), "SELECT clock_timestamp() - ? * interval '1 microsecond'",
		[]any{retention.Microseconds()}, &pass.cutoff)
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	began := time.Now()
	err = pass.run(ctx)
	if pass.gone != (trimmed{}) {
		r.options.Log.Info("deleted what is older than the retention",
			"entries", pass.gone.entries, "reservations", pass.gone.reservations,
			"snapshots", pass.gone.snapshots, "runs", pass.gone.runs,
			"horizon", pass.horizon, "took", time.Since(began).Round(time.Millisecond))
	}
	if err == nil || gaveWay(err) {
		return nil
	}
	return fmt.Errorf("retention: %w", err)
}

// gaveWay says that a step did nothing because others were at it: another server
// that trims, or a command that keeps a reservation locked.
func gaveWay(err error) bool {
	return errors.Is(err, errTrimmedElsewhere) || sqlState(err) == stateLockTimeout
}

// trimPass is how far a pass has come.
type trimPass struct {
	repo   *Repo
	cutoff time.Time
	// through is the id of the last audit entry that went. To begin behind it
	// saves walking over the dead ones; whatever was committed later has a later
	// id, for no transaction lasts as long as a retention.
	through int64
	// horizon is the latest moment of which an entry has gone; nil if none has.
	horizon *time.Time
	gone    trimmed
}

// trimmed counts what went.
type trimmed struct{ entries, reservations, snapshots, runs int64 }

func (p *trimPass) run(ctx context.Context) error {
	for _, kind := range []struct {
		step  func(ctx context.Context, limit int) (more bool, err error)
		limit int
	}{
		{p.trimLog, entriesPerStep},
		{p.trimSnapshot, levelsPerStep},
		{p.trimRuns, runsPerStep},
	} {
		for more := true; more; {
			began := time.Now()
			var err error
			if more, err = kind.step(ctx, kind.limit); err != nil {
				return err
			}
			if err := pause(ctx, trimRest*time.Since(began)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits, or says why it needn't.
func pause(ctx context.Context, rest time.Duration) error {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
