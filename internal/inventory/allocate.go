package inventory

import "encoding/json"

// CreateAllocation claims units for good, without a hold before.
type CreateAllocation struct {
	ClientToken string
	Lines       []LineRequest
	Strategy    *Strategy
	Holder      *string
	Reference   *string
	Metadata    json.RawMessage
}

// Validate implements Command.
func (c CreateAllocation) Validate(limits Limits) []*Error { return c.claim().validate(limits) }

// Footprint implements Command.
func (c CreateAllocation) Footprint(principal string) Footprint {
	return c.claim().footprint(principal)
}

func (c CreateAllocation) decide(b *batch, request Request) Outcome {
	return c.claim().make(b, request, ActionAllocated, c.claim().fingerprint(), Reservation{Status: Allocated})
}

func (c CreateAllocation) claim() claim {
	return claim{c.ClientToken, c.Lines, c.Holder, c.Reference, c.Metadata}
}
