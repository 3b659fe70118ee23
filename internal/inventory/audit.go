package inventory

import (
	"strconv"
	"time"
)

// Action is what an audit entry records.
type Action string

// The actions.
const (
	ActionCreated   Action = "CREATED"
	ActionHeld      Action = "HELD"
	ActionAllocated Action = "ALLOCATED"
	ActionConverted Action = "CONVERTED"
	ActionReleased  Action = "RELEASED"
	ActionExpired   Action = "EXPIRED"
	ActionExtended  Action = "EXTENDED"
	ActionFulfilled Action = "FULFILLED"
	ActionCancelled Action = "CANCELLED"
	ActionAdjusted  Action = "ADJUSTED"
	ActionSet       Action = "SET"
	ActionRepaired  Action = "REPAIRED"
)

// Actions are all there are.
var Actions = []Action{
	ActionCreated, ActionHeld, ActionAllocated, ActionConverted, ActionReleased, ActionExpired, ActionExtended,
	ActionFulfilled, ActionCancelled, ActionAdjusted, ActionSet, ActionRepaired,
}

// unitEffect is what an action on a reservation does to a level's counters for
// each unit of a line.
type unitEffect struct{ total, reserved, allocated int64 }

var unitEffects = map[Action]unitEffect{
	ActionHeld:      {reserved: +1},
	ActionAllocated: {allocated: +1},
	ActionConverted: {reserved: -1, allocated: +1},
	ActionReleased:  {reserved: -1},
	ActionExpired:   {reserved: -1},
	ActionFulfilled: {total: -1, allocated: -1},
	ActionCancelled: {allocated: -1},
}

// Reason is why somebody changed stock by hand.
type Reason string

// Reasons are all there are.
var Reasons = []Reason{"RECEIVED", "CORRECTION", "DAMAGED", "LOST", "FOUND", "RETURNED", "OTHER"}

// ActorSystem is the actor of what Holdfast does by itself, such as ending a
// hold whose deadline has come.
const ActorSystem = "system"

// Entry is one record of the audit log: the change of one stock level by one
// command, or a change that concerns no level, and then has no After.
type Entry struct {
	At             time.Time
	Action         Action
	SKU            string
	Location       string
	ReservationID  string
	TotalDelta     int64
	ReservedDelta  int64
	AllocatedDelta int64
	// After is the level after the change; nil where no level is concerned.
	After     *StockLevel
	Actor     string
	Reason    Reason
	Reference string
	// CommandID is the request that it is the effect of: for an expiry, the one
	// that made the hold.
	CommandID string
	// TokenKey is set where a client token has this entry as its only effect.
	TokenKey string
}

// LoggedEntry is an entry as the log gives it back.
type LoggedEntry struct {
	// Position is the entry's place in the log. Of two entries of one level, the
	// later has the larger one.
	Position       int64
	At             time.Time
	Action         Action
	SKU            *string
	Location       *string
	ReservationID  *string
	TotalDelta     int64
	ReservedDelta  int64
	AllocatedDelta int64
	// Total, Reserved, Allocated and Version are the level's after the change.
	Total     *int64
	Reserved  *int64
	Allocated *int64
	Version   *int64
	Actor     string
	Reason    *Reason
	Reference *string
}

// ID is opaque to clients.
func (e LoggedEntry) ID() string { return opaqueID("AuditEntry", strconv.FormatInt(e.Position, 10)) }

// AuditOrder is which end of the audit log comes first.
type AuditOrder string

// The orders.
const (
	NewestFirst AuditOrder = "NEWEST_FIRST"
	OldestFirst AuditOrder = "OLDEST_FIRST"
)

// AuditOrders are all there are.
var AuditOrders = []AuditOrder{NewestFirst, OldestFirst}
