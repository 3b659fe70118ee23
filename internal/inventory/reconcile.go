package inventory

import (
	"strconv"
	"time"
)

// Reconcile asks for a run of the consistency check over everything, which is
// recorded. It isn't a Command: the repairs are, one for each stock level.
type Reconcile struct {
	// Repair says whether what drifted is to be set right.
	Repair bool
	// Reason is why the run was asked for, in the caller's words.
	Reason *string
}

// Validate returns what breaks a rule.
func (c Reconcile) Validate() []*Error {
	var v violations
	v.text(c.Reason, "reason")
	return v
}

// ReconciliationRun is the record of one run. Its times are the database's.
type ReconciliationRun struct {
	Number    int64
	StartedAt time.Time
	// FinishedAt is nil while the run is under way, and for one that was cut off.
	FinishedAt *time.Time
	Actor      string
	Reason     *string
	// IsConsistent and Issues are what was found, before anything was repaired.
	IsConsistent bool
	Issues       []ConsistencyIssue
	// Repaired is how many stock levels were set right.
	Repaired int32
}

// ID is the number in text.
func (r ReconciliationRun) ID() string { return strconv.FormatInt(r.Number, 10) }

// Reference names the run in the audit entries of its repairs.
func (r ReconciliationRun) Reference() string { return "reconciliation run " + r.ID() }
