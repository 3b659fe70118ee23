package inventory

import (
	"encoding/json"
	"time"
)

// SKU is a product, as far as its stock is concerned.
type SKU struct {
	Code      string
	Name      string
	Metadata  json.RawMessage
	CreatedAt time.Time
	// CommandID is the request that created it.
	CommandID string
}

// ID is opaque to clients.
func (s SKU) ID() string { return opaqueID("Sku", s.Code) }

// Location is where stock is kept.
type Location struct {
	Code string
	Name string
}

// ID is opaque to clients.
func (l Location) ID() string { return opaqueID("Location", l.Code) }
