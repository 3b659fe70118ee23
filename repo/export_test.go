package repo

import (
	"context"
	"errors"
	"time"

	"holdfast/internal/inventory"
)

// CheckInSmallParts makes the consistency check divide the tables as finely as
// it can, and take all that it finds for settled.
func (r *Repo) CheckInSmallParts() { r.partSizes = partSizes{entries: 1, reservations: 1} }

// JoinCheck joins the check of everything that is under way, and returns a wait
// for its report.
func (r *Repo) JoinCheck() func() (inventory.ConsistencyReport, error) {
	running := r.checks.DoChan(checkKey(nil), func() (any, error) { return nil, errors.New("no check is under way") })
	return func() (inventory.ConsistencyReport, error) {
		done := <-running
		report, _ := done.Val.(inventory.ConsistencyReport)
		return report, done.Err
	}
}

// SelectPast is the statement of AvailabilityAt.
const SelectPast = selectPast

// Bands is how many the list of SKUs knows.
const Bands = bands

// Trimming is a pass of retention that is taken step by step.
type Trimming struct{ pass trimPass }

// BeginTrim begins a pass over what was there before the cut-off.
func (r *Repo) BeginTrim(cutoff time.Time) *Trimming {
	return &Trimming{trimPass{repo: r, cutoff: cutoff}}
}

// Log, Snapshot and Runs take a step each.
func (t *Trimming) Log(ctx context.Context, limit int) (more bool, err error) {
	return t.pass.trimLog(ctx, limit)
}

func (t *Trimming) Snapshot(ctx context.Context, limit int) (more bool, err error) {
	return t.pass.trimSnapshot(ctx, limit)
}

func (t *Trimming) Runs(ctx context.Context, limit int) (more bool, err error) {
	return t.pass.trimRuns(ctx, limit)
}

// GaveWay says that a step did nothing because others were at it.
var GaveWay = gaveWay

// StockLanes is how many statements read stock at once.
const StockLanes = stockLanesMax

// StockQueueSKUs is how many SKUs may wait to be read.
const StockQueueSKUs = stockQueueSKUsMax
