package inventory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// LineRequest is a line as asked for.
type LineRequest struct {
	SKU      string
	Quantity int32
	// Location is nil for a line that may draw on all locations.
	Location *string
}

// claim is what makes a new reservation: a hold and an allocation differ only
// in the counter that rises.
type claim struct {
	clientToken string
	lines       []LineRequest
	holder      *string
	reference   *string
	metadata    json.RawMessage
}

func (c claim) footprint(principal string) Footprint {
	f := Footprint{TokenKey: TokenKey(principal, c.clientToken)}
	for _, line := range c.lines {
		if line.Location == nil {
			f.SKUs = append(f.SKUs, line.SKU)
			continue
		}
		f.Levels = append(f.Levels, LevelKey{line.SKU, *line.Location})
		f.Locations = append(f.Locations, *line.Location)
	}
	return f
}

// fingerprint is of the input as given. The order of lines doesn't matter.
func (c claim) fingerprint() Fingerprint {
	f := Fingerprint{}
	asked := make([]string, len(c.lines))
	for i, line := range c.lines {
		asked[i] = line.SKU + " " + strconv.Itoa(int(line.Quantity))
		if line.Location != nil {
			asked[i] += " " + *line.Location
		}
	}
	slices.Sort(asked)
	f.add("lines", asked)
	addGiven(f, "holder", c.holder)
	addGiven(f, "reference", c.reference)
	if c.metadata != nil {
		f.add("metadata", c.metadata)
	}
	return f
}

// make answers a repeated token, or sources the lines and makes of the template
// a reservation that has them.
func (c claim) make(b *batch, request Request, action Action, fields Fingerprint, template Reservation) Outcome {
	key := TokenKey(request.Principal, c.clientToken)
	if token, used := b.token(key); used {
		return repeatedClaim(b, request, token, action, fields)
	}
	lines, short := source(b, c.lines)
	if len(short) > 0 {
		return refused(short...)
	}

	r := template
	r.ID, r.Principal, r.ClientToken = request.ID, request.Principal, c.clientToken
	r.Lines, r.Revision, r.CreatedAt = lines, 1, b.state.Now
	r.Holder, r.Reference, r.Metadata = c.holder, c.reference, c.metadata
	b.reservations[r.ID] = r
	b.useToken(request, key, action, fields)
	b.stepLines(r, Entry{Action: action, Actor: request.Principal, CommandID: request.ID, Reference: text(c.reference)})
	return Outcome{Reservation: &r}
}

func repeatedClaim(b *batch, request Request, token Token, action Action, fields Fingerprint) Outcome {
	if differing := token.differing(action, fields); len(differing) > 0 {
		return refused(idempotencyConflict(differing))
	}
	r, ok := b.reservation(token.CommandID, request.Principal)
	if !ok {
		return refused(notFound(token.CommandID, "clientToken"))
	}
	return Outcome{Reservation: &r, Replayed: token.CommandID != request.ID}
}

func insufficient(sku, location string, requested, available int64, field ...string) *Error {
	where := ""
	if location != "" {
		where = " at " + location
	}
	return &Error{
		Code:      InsufficientStock,
		Message:   fmt.Sprintf("%d of %s wanted%s, %d available", requested, sku, where, available),
		Field:     field,
		SKU:       sku,
		Location:  location,
		Requested: requested,
		Available: available,
	}
}

func idempotencyConflict(differing []string) *Error {
	return &Error{
		Code:            IdempotencyConflict,
		Message:         "the client token was used before with another input; these differ: " + strings.Join(differing, ", "),
		Field:           []string{"input", "clientToken"},
		DifferingFields: differing,
	}
}

func lineField(index int, field string) []string {
	return []string{"input", "lines", strconv.Itoa(index), field}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
