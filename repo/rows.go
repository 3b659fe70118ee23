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
