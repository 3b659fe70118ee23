package repo

import (
	"errors"

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
