package inventory_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"holdfast/internal/inventory"
)

// Few of everything, so that commands meet. GHOST, moon and some of the ids
// never exist.
var (
	anyPrincipal = rapid.SampledFrom([]string{somebody, somebody, somebody, somebody, somebody, another})
	anySKU       = rapid.SampledFrom([]string{"A", "A", "A", "A", "A", "A/B", "A/B", "A/B", "a", "a", "Z", "Z", "Z", "GHOST"})
	newSKU       = rapid.SampledFrom([]string{"A", "A/B", "a", "Z"})
	anyLocation  = rapid.SampledFrom([]*string{
		nil, nil, nil, nil, nil, nil, nil, nil, new("default"), new("default"), new("annex"), new("annex"), new("west"), new("west"), new("moon"),
	})
	anyQuantity = rapid.SampledFrom([]int32{1, 1, 1, 1, 1, 1, 2, 2, 3, 5, 12, 40, inventory.QuantityMax})
	anyTTL      = rapid.SampledFrom([]int32{1, 20, 60, 3599, 3600})
	anyDelta    = rapid.SampledFrom([]int64{1, 2, 10, 25, 25, -1, -2, -10, -1000})
	anyReason   = rapid.SampledFrom([]inventory.Reason{"RECEIVED", "DAMAGED"})
	anyText     = rapid.SampledFrom([]*string{nil, nil, nil, new("order-1"), new("Größe 38")})
	anyMetadata = rapid.SampledFrom([]json.RawMessage{nil, nil, nil, json.RawMessage(`{}`), json.RawMessage(`{"cart":1}`)})
	anyKind     = rapid.SampledFrom([]string{
		"hold", "hold", "hold", "hold", "allocation", "convert", "convert", "release", "release",
		"fulfil", "fulfil", "cancel", "cancel", "extend", "extend", "expire",
		"adjust", "adjust", "adjust", "set", "set", "create", "import", "import", "again", "again",
	})
)

// anyRequest draws a request that is valid, and may yet be refused.
func (h *history) anyRequest(rt *rapid.T) inventory.Request {
	principal := anyPrincipal.Draw(rt, "principal")
	var command inventory.Command
	switch kind := anyKind.Draw(rt, "kind"); kind {
	case "hold":
		c := inventory.CreateHold{
			ClientToken: h.anyToken(rt), Lines: anyLines(rt),
			Holder: anyText.Draw(rt, "holder"), Reference: anyText.Draw(rt, "reference"), Metadata: anyMetadata.Draw(rt, "metadata"),
		}
		if rapid.Bool().Draw(rt, "timed") {
			c.TTLSeconds = new(anyTTL.Draw(rt, "ttl"))
		}
		command = c
	case "allocation":
		command = inventory.CreateAllocation{
			ClientToken: h.anyToken(rt), Lines: anyLines(rt),
			Holder: anyText.Draw(rt, "holder"), Reference: anyText.Draw(rt, "reference"), Metadata: anyMetadata.Draw(rt, "metadata"),
		}
	case "convert":
		command = inventory.ConvertHold{ReservationID: h.anyReservation(rt), Reference: anyText.Draw(rt, "reference")}
	case "release":
		command = inventory.ReleaseHold{ReservationID: h.anyReservation(rt), Reference: anyText.Draw(rt, "reference")}
	case "fulfil":
		command = inventory.FulfillAllocation{ReservationID: h.anyReservation(rt), Reference: anyText.Draw(rt, "reference")}
	case "cancel":
		command = inventory.CancelAllocation{ReservationID: h.anyReservation(rt), Reference: anyText.Draw(rt, "reference")}
	case "extend":
		command = inventory.ExtendHold{ReservationID: h.anyReservation(rt), TTLSeconds: anyTTL.Draw(rt, "ttl")}
	case "expire":
		// Not a client's command: the id is always in the stored form.
		command = inventory.ExpireHold{ReservationID: strings.ToLower(h.anyReservation(rt))}
	case "adjust":
		command = h.anyAdjustment(rt)
	case "set":
		command = h.anyCount(rt)
	case "create":
		c := inventory.CreateSKU{
			SKU: newSKU.Draw(rt, "sku"), Name: "a name", Location: anyLocation.Draw(rt, "location"), Metadata: anyMetadata.Draw(rt, "metadata"),
		}
		if rapid.Bool().Draw(rt, "stocked") {
			c.InitialStock = new(rapid.SampledFrom([]int64{0, 1, 20}).Draw(rt, "stock"))
		}
		command = c
	case "import":
		command = h.anyRow(rt)
	case "again":
		return h.request(principal, h.earlierCommand(rt))
	}
	require.Empty(rt, command.Validate(limits))
	return h.request(principal, command)
}

func (h *history) anyAdjustment(rt *rapid.T) inventory.AdjustStock {
	c := inventory.AdjustStock{
		ClientToken: h.anyToken(rt), SKU: anySKU.Draw(rt, "sku"), Location: anyLocation.Draw(rt, "location"),
		Delta:  anyDelta.Draw(rt, "delta"),
		Reason: anyReason.Draw(rt, "reason"), Reference: anyText.Draw(rt, "reference"),
	}
	c.ExpectedVersion = anyVersion(rt, h.stored(c.SKU, c.Location))
	return c
}

// anyCount sets a total near the one stored, which those before it in its group
// may yet move.
func (h *history) anyCount(rt *rapid.T) inventory.SetStock {
	c := inventory.SetStock{
		ClientToken: h.anyToken(rt), SKU: anySKU.Draw(rt, "sku"), Location: anyLocation.Draw(rt, "location"),
		Reason: anyReason.Draw(rt, "reason"), Reference: anyText.Draw(rt, "reference"),
	}
	stored := h.stored(c.SKU, c.Location)
	c.Total = max(0, stored.Total+rapid.SampledFrom([]int64{0, 0, 0, 1, 10, 25, -1, -2, -10, -1000}).Draw(rt, "beside"))
	c.ExpectedVersion = anyVersion(rt, stored)
	return c
}

// anyRow says of a SKU what may be so already. Its token is new or, against
// the rules of importing, somebody's.
func (h *history) anyRow(rt *rapid.T) inventory.ImportSKU {
	c := inventory.ImportSKU{
		ClientToken: h.anyToken(rt), SKU: newSKU.Draw(rt, "sku"), Location: anyLocation.Draw(rt, "location"),
		Metadata: anyMetadata.Draw(rt, "metadata"),
	}
	if rapid.Bool().Draw(rt, "named") {
		c.Name = new(rapid.SampledFrom([]string{"a name", "another name"}).Draw(rt, "name"))
	}
	if rapid.Bool().Draw(rt, "stocked") {
		stored := h.stored(c.SKU, c.Location)
		c.Total = new(max(0, stored.Total+rapid.SampledFrom([]int64{0, 0, 0, 1, 10, -1, -10, -1000}).Draw(rt, "beside")))
	}
	return c
}

func (h *history) stored(sku string, location *string) inventory.StockLevel {
	key := inventory.LevelKey{SKU: sku, Location: "default"}
	if location != nil {
		key.Location = *location
	}
	return h.grouped.levels[key]
}

// anyVersion is none, or one at or near the level's.
func anyVersion(rt *rapid.T, level inventory.StockLevel) *int64 {
	if rapid.Bool().Draw(rt, "versioned") {
		return new(max(0, level.Version+rapid.SampledFrom([]int64{0, 0, 0, -1, 1, -1000}).Draw(rt, "beside version")))
	}
	return nil
}

// earlierCommand repeats one of the last commands, perhaps with its lines in
// another order.
func (h *history) earlierCommand(rt *rapid.T) inventory.Command {
	recent := h.requests[max(0, len(h.requests)-20):]
	command := rapid.SampledFrom(recent).Draw(rt, "earlier").Command
	switch c := command.(type) {
	case inventory.CreateHold:
		c.Lines = rapid.Permutation(c.Lines).Draw(rt, "order")
		return c
	case inventory.CreateAllocation:
		c.Lines = rapid.Permutation(c.Lines).Draw(rt, "order")
		return c
	default:
		return command
	}
}

// anyToken is a new one, or one of the last few.
func (h *history) anyToken(rt *rapid.T) string {
	back := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 3, 8}).Draw(rt, "token")
	if back == 0 {
		h.tokens++
	}
	return fmt.Sprint("token ", max(1, h.tokens-back))
}

// anyReservation is the id of one of the last reservations, or of a request
// that may be about to make one, or none's.
func (h *history) anyReservation(rt *rapid.T) string {
	ids := slices.Clone(h.made[max(0, len(h.made)-16):])
	for _, r := range h.requests[max(0, len(h.requests)-2):] {
		ids = append(ids, r.ID)
	}
	ids = append(ids, uuid(0xABCDEF))
	id := rapid.SampledFrom(ids).Draw(rt, "reservation")
	if rapid.Bool().Draw(rt, "upper case") {
		return strings.ToUpper(id)
	}
	return id
}

func anyLines(rt *rapid.T) []inventory.LineRequest {
	lines := make([]inventory.LineRequest, 0, 4)
	seen := map[string]bool{}
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3, 4}).Draw(rt, "lines") {
		line := inventory.LineRequest{
			SKU: anySKU.Draw(rt, "sku"), Quantity: anyQuantity.Draw(rt, "quantity"), Location: anyLocation.Draw(rt, "location"),
		}
		key := line.SKU
		if line.Location != nil {
			key += " " + *line.Location
		}
		if !seen[key] {
			seen[key] = true
			lines = append(lines, line)
		}
	}
	return lines
}
