package inventory

import "time"

// Invariant is what must always hold, and the consistency check verifies.
type Invariant string

// The invariants, in the order of their numbers.
const (
	NoOversell            Invariant = "NO_OVERSELL"
	ReservedMatchesLines  Invariant = "RESERVED_MATCHES_LINES"
	AllocatedMatchesLines Invariant = "ALLOCATED_MATCHES_LINES"
	AuditChainUnbroken    Invariant = "AUDIT_CHAIN_UNBROKEN"
	OneEffectPerToken     Invariant = "ONE_EFFECT_PER_TOKEN"
	ClosedOnce            Invariant = "CLOSED_ONCE"
	DeadlineRespected     Invariant = "DEADLINE_RESPECTED"
	NothingOrphaned       Invariant = "NOTHING_ORPHANED"
)

// ConsistencyReport is what the consistency check found.
type ConsistencyReport struct {
	// TotalSKUs is how many SKUs were checked, InconsistentSKUs how many of
	// them have an issue.
	TotalSKUs, InconsistentSKUs int32
	// CheckedAt is when the check began, by the database's clock.
	CheckedAt  time.Time
	DurationMs int32
	Issues     []ConsistencyIssue
}

// IsConsistent says whether all invariants hold.
func (r ConsistencyReport) IsConsistent() bool { return len(r.Issues) == 0 }

// ConsistencyIssue is one place where an invariant doesn't hold.
type ConsistencyIssue struct {
	Invariant        Invariant
	SKU              *string
	Location         *string
	ReservationID    *string
	Expected, Actual *int64
	Detail           string
	// Repairable says whether reconciliation can mend it without guessing.
	Repairable bool
}
