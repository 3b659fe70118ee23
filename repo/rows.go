package repo

import (
	"encoding/json"
	"time"

	"holdfast/internal/inventory"
)

// Rows as the database writes them in JSON, by column name.

type levelRow struct {
	SKU       string    `json:"sku"`
	Location  string    `json:"location"`
	Total     int64     `json:"total"`
	Reserved  int64     `json:"reserved"`
	Allocated int64     `json:"allocated"`
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (r levelRow) level() inventory.StockLevel {
	return inventory.StockLevel{
		SKU: r.SKU, Location: r.Location, Total: r.Total, Reserved: r.Reserved, Allocated: r.Allocated,
		Version: r.Version, UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// selectReservations reads reservations with their lines; a WHERE may follow.
const selectReservations = `SELECT r.*, (SELECT json_agg(l ORDER BY l.sku, l.location) FROM reservation_lines AS l WHERE l.reservation_id = r.id) AS lines FROM reservations AS r`

type reservationRow struct {
	ID          string          `json:"id"`
	Principal   string          `json:"principal"`
	ClientToken string          `json:"client_token"`
	Status      string          `json:"status"`
	Revision    int64           `json:"revision"`
	CreatedAt   time.Time       `json:"created_at"`
	ExpiresAt   *time.Time      `json:"expires_at"`
	CompletedAt *time.Time      `json:"completed_at"`
	Holder      *string         `json:"holder"`
	Reference   *string         `json:"reference"`
	Metadata    json.RawMessage `json:"metadata"`
	Lines       []struct {
		SKU      string `json:"sku"`
		Location string `json:"location"`
		Quantity int32  `json:"quantity"`
	} `json:"lines"`
}

func (r reservationRow) reservation() inventory.Reservation {
	lines := make([]inventory.Line, len(r.Lines))
	for i, line := range r.Lines {
		lines[i] = inventory.Line{SKU: line.SKU, Location: line.Location, Quantity: line.Quantity}
	}
	return inventory.Reservation{
		ID: r.ID, Principal: r.Principal, Status: inventory.Status(r.Status), ClientToken: r.ClientToken,
		Lines: lines, Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(),
		ExpiresAt: utc(r.ExpiresAt), CompletedAt: utc(r.CompletedAt),
		Holder: r.Holder, Reference: r.Reference, Metadata: orNil(r.Metadata),
	}
}

type tokenRow struct {
	Key       string                `json:"key"`
	Principal string                `json:"principal"`
	Action    string                `json:"action"`
	Fields    inventory.Fingerprint `json:"fields"`
	CommandID string                `json:"command_id"`
}

func (r tokenRow) token() inventory.Token {
	return inventory.Token{
		Key: r.Key, Principal: r.Principal, Action: inventory.Action(r.Action), Fields: r.Fields, CommandID: r.CommandID,
	}
}

type skuRow struct {
	SKU       string          `json:"sku"`
	Name      string          `json:"name"`
	Metadata  json.RawMessage `json:"metadata"`
	CommandID string          `json:"command_id"`
	CreatedAt time.Time       `json:"created_at"`
}

func (r skuRow) sku() inventory.SKU {
	return inventory.SKU{
		Code: r.SKU, Name: r.Name, Metadata: orNil(r.Metadata), CommandID: r.CommandID, CreatedAt: r.CreatedAt.UTC(),
	}
}

// logEndRow has null, which leaves a field as it is, for what isn't there.
type logEndRow struct {
	SKU            string `json:"sku"`
	Location       string `json:"location"`
	Total          int64  `json:"total"`
	Reserved       int64  `json:"reserved"`
	Allocated      int64  `json:"allocated"`
	SettledVersion int64  `json:"settled_version"`
	SettledBy      string `json:"settled_by"`
}

func (r logEndRow) logEnd() inventory.LogEnd {
	return inventory.LogEnd{
		Total: r.Total, Reserved: r.Reserved, Allocated: r.Allocated,
		SettledVersion: r.SettledVersion, SettledBy: r.SettledBy,
	}
}

type runRow struct {
	ID           int64      `json:"id"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at"`
	Actor        string     `json:"actor"`
	Reason       *string    `json:"reason"`
	IsConsistent bool       `json:"is_consistent"`
	Repaired     int32      `json:"repaired"`
	Issues       []issueRow `json:"issues"`
}

func (r runRow) run() inventory.ReconciliationRun {
	issues := make([]inventory.ConsistencyIssue, len(r.Issues))
	for i, row := range r.Issues {
		issues[i] = row.issue()
	}
	return inventory.ReconciliationRun{
		Number: r.ID, StartedAt: r.StartedAt.UTC(), FinishedAt: utc(r.FinishedAt), Actor: r.Actor, Reason: r.Reason,
		IsConsistent: r.IsConsistent, Issues: issues, Repaired: r.Repaired,
	}
}

type issueRow struct {
	Ordinal       int                 `json:"ordinal"`
	Invariant     inventory.Invariant `json:"invariant"`
	SKU           *string             `json:"sku"`
	Location      *string             `json:"location"`
	ReservationID *string             `json:"reservation_id"`
	Expected      *int64              `json:"expected"`
	Actual        *int64              `json:"actual"`
	Detail        string              `json:"detail"`
	Repairable    bool                `json:"repairable"`
}

func (r issueRow) issue() inventory.ConsistencyIssue {
	return inventory.ConsistencyIssue{
		Invariant: r.Invariant, SKU: r.SKU, Location: r.Location, ReservationID: r.ReservationID,
		Expected: r.Expected, Actual: r.Actual, Detail: r.Detail, Repairable: r.Repairable,
	}
}

type entryRow struct {
	ID             int64             `json:"id"`
	At             time.Time         `json:"at"`
	Action         inventory.Action  `json:"action"`
	SKU            *string           `json:"sku"`
	Location       *string           `json:"location"`
	ReservationID  *string           `json:"reservation_id"`
	TotalDelta     int64             `json:"total_delta"`
	ReservedDelta  int64             `json:"reserved_delta"`
	AllocatedDelta int64             `json:"allocated_delta"`
	Total          *int64            `json:"total"`
	Reserved       *int64            `json:"reserved"`
	Allocated      *int64            `json:"allocated"`
	Version        *int64            `json:"version"`
	Actor          string            `json:"actor"`
	Reason         *inventory.Reason `json:"reason"`
	Reference      *string           `json:"reference"`
}

func (r entryRow) entry() inventory.LoggedEntry {
	return inventory.LoggedEntry{
		Position: r.ID, At: r.At.UTC(), Action: r.Action, SKU: r.SKU, Location: r.Location, ReservationID: r.ReservationID,
		TotalDelta: r.TotalDelta, ReservedDelta: r.ReservedDelta, AllocatedDelta: r.AllocatedDelta,
		Total: r.Total, Reserved: r.Reserved, Allocated: r.Allocated, Version: r.Version,
		Actor: r.Actor, Reason: r.Reason, Reference: r.Reference,
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// orNil turns JSON's null, which is how the database writes NULL, into none.
func orNil(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}
