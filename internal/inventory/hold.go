package inventory

import (
	"encoding/json"
	"time"
)

// CreateHold lends out units until a deadline.
type CreateHold struct {
	ClientToken string
	Lines       []LineRequest
	// TTLSeconds counts from the decision; nil stands for Limits.HoldTTL.
	TTLSeconds *int32
	Strategy   *Strategy
	Holder     *string
	Reference  *string
	Metadata   json.RawMessage
}

// Validate implements Command.
func (c CreateHold) Validate(limits Limits) []*Error {
	return append(c.claim().validate(limits), validateTTL(limits, c.TTLSeconds)...)
}

// Footprint implements Command.
func (c CreateHold) Footprint(principal string) Footprint { return c.claim().footprint(principal) }

func (c CreateHold) decide(b *batch, request Request) Outcome {
	fields := c.claim().fingerprint()
	addGiven(fields, "ttlSeconds", c.TTLSeconds)
	ttl := b.limits.HoldTTL
	if c.TTLSeconds != nil {
		ttl = time.Duration(*c.TTLSeconds) * time.Second
	}
	deadline := b.state.Now.Add(ttl)
	return c.claim().make(b, request, ActionHeld, fields, Reservation{Status: Held, ExpiresAt: &deadline})
}

func (c CreateHold) claim() claim {
	return claim{c.ClientToken, c.Lines, c.Holder, c.Reference, c.Metadata}
}
