package repo_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"

	"holdfast/internal/inventory"
)

// Few of everything, so that commands meet. GHOST and moon never exist.
var (
	anySKU      = []string{"A", "A/B", "a", "Z", "GHOST"}
	anyLocation = []*string{
		nil, nil, nil, nil, nil, nil, nil, nil, new("default"), new("default"), new("annex"), new("annex"), new("west"), new("west"), new("moon"),
	}
	anyText     = []*string{nil, nil, nil, new("order-1"), new(`it's "Größe" {38}, \ NULL`)}
	anyMetadata = []json.RawMessage{nil, nil, nil, json.RawMessage(`{}`), json.RawMessage(`{"cart":[1,"two",null]}`)}
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// chance is true so many times in a hundred.
func (h *history) chance(percent int) bool { return h.IntN(100) < percent }

func (h *history) anyCommand() inventory.Command {
	switch n := h.IntN(100); {
	case n < 32:
		c := inventory.CreateHold{
			ClientToken: h.anyToken(), Lines: h.anyLines(),
			Holder: pick(h.Rand, anyText...), Reference: pick(h.Rand, anyText...), Metadata: pick(h.Rand, anyMetadata...),
		}
		if h.chance(50) {
			c.TTLSeconds = new(pick[int32](h.Rand, 1, 60, 3600, 86400))
		}
		return c
	case n < 40:
		return inventory.CreateAllocation{
			ClientToken: h.anyToken(), Lines: h.anyLines(),
			Holder: pick(h.Rand, anyText...), Reference: pick(h.Rand, anyText...), Metadata: pick(h.Rand, anyMetadata...),
		}
	case n < 50:
		return inventory.ConvertHold{ReservationID: h.anyReservation(), Reference: pick(h.Rand, anyText...)}
	case n < 57:
		return inventory.ReleaseHold{ReservationID: h.anyReservation(), Reference: pick(h.Rand, anyText...)}
	case n < 61:
		return inventory.FulfillAllocation{ReservationID: h.anyReservation(), Reference: pick(h.Rand, anyText...)}
	case n < 65:
		return inventory.CancelAllocation{ReservationID: h.anyReservation(), Reference: pick(h.Rand, anyText...)}
	case n < 70:
		return inventory.ExtendHold{ReservationID: h.anyReservation(), TTLSeconds: pick[int32](h.Rand, 1, 1200, 3600, 86000, 86400)}
	case n < 73:
		return inventory.ExpireHold{ReservationID: strings.ToLower(h.anyReservation())}
	case n < 81:
		return h.anyAdjustment()
	case n < 83:
		return h.anyCount()
	case n < 86:
		return h.anyRow()
	case n < 89:
		c := inventory.CreateSKU{
			SKU: pick(h.Rand, anySKU[:len(anySKU)-1]...), Name: "a name",
			Location: pick(h.Rand, anyLocation...), Metadata: pick(h.Rand, anyMetadata...),
		}
		if h.chance(50) {
			c.InitialStock = new(pick[int64](h.Rand, 0, 1, 20))
		}
		return c
	default:
		return h.earlierCommand()
	}
}

func (h *history) anyAdjustment() inventory.Command {
	c := inventory.AdjustStock{
		ClientToken: h.anyToken(), SKU: pick(h.Rand, anySKU...), Location: pick(h.Rand, anyLocation...),
		Delta: pick[int64](h.Rand, 1, 2, 10, 25, 25, 25, -1, -2, -5, -1000), Reason: pick(h.Rand, inventory.Reasons...),
		Reference: pick(h.Rand, anyText...),
	}
	c.ExpectedVersion = h.anyVersion(h.known(c.SKU, c.Location))
	return c
}

// anyCount sets a total near the one that is known.
func (h *history) anyCount() inventory.Command {
	c := inventory.SetStock{
		ClientToken: h.anyToken(), SKU: pick(h.Rand, anySKU...), Location: pick(h.Rand, anyLocation...),
		Reason: pick(h.Rand, inventory.Reasons...), Reference: pick(h.Rand, anyText...),
	}
	known := h.known(c.SKU, c.Location)
	c.Total = max(0, known.Total+pick[int64](h.Rand, 0, 1, 10, 25, -1, -2, -5, -1000))
	c.ExpectedVersion = h.anyVersion(known)
	return c
}

// anyRow says of a SKU what may be so already.
func (h *history) anyRow() inventory.Command {
	c := inventory.ImportSKU{
		ClientToken: h.anyToken(), SKU: pick(h.Rand, anySKU[:len(anySKU)-1]...), Location: pick(h.Rand, anyLocation...),
		Metadata: pick(h.Rand, anyMetadata...), Name: pick(h.Rand, nil, new("a name"), new(`it's "Größe" {38}, \ NULL`)),
	}
	if h.chance(50) {
		c.Total = new(max(0, h.known(c.SKU, c.Location).Total+pick[int64](h.Rand, 0, 0, 1, 10, -1, -1000)))
	}
	return c
}

// known is the level as it was before the commands that are under way.
func (h *history) known(sku string, location *string) inventory.StockLevel {
	key := inventory.LevelKey{SKU: sku, Location: inventory.DefaultLocation}
	if location != nil {
		key.Location = *location
	}
	return h.model.Levels[key]
}

// anyVersion is none, or one at or near the level's.
func (h *history) anyVersion(known inventory.StockLevel) *int64 {
	if !h.chance(30) {
		return nil
	}
	return new(max(0, known.Version+pick[int64](h.Rand, 0, 0, 0, 1, -1)))
}

// earlierCommand repeats one of the last commands, perhaps with its lines in
// another order.
func (h *history) earlierCommand() inventory.Command {
	if len(h.commands) == 0 {
		return h.anyAdjustment()
	}
	switch c := pick(h.Rand, h.commands[max(0, len(h.commands)-40):]...).(type) {
	case inventory.CreateHold:
		c.Lines = slices.Clone(c.Lines)
		slices.Reverse(c.Lines)
		return c
	case inventory.CreateAllocation:
		c.Lines = slices.Clone(c.Lines)
		slices.Reverse(c.Lines)
		return c
	default:
		return c
	}
}

// anyToken is a new one, or seldom one of the last few.
func (h *history) anyToken() string {
	back := pick(h.Rand, 0, 0, 0, 0, 0, 0, 1, 3, 8)
	if back == 0 {
		h.tokens++
	}
	return fmt.Sprint("token ", max(1, h.tokens-back))
}

// anyReservation is the id of one of the last, or seldom of none.
func (h *history) anyReservation() string {
	if len(h.made) == 0 || h.chance(3) {
		return uuid.NewString()
	}
	id := pick(h.Rand, h.made[max(0, len(h.made)-12):]...)
	if h.chance(10) {
		return strings.ToUpper(id)
	}
	return id
}

// anyLines are seldom against the rules: the same SKU and location twice.
func (h *history) anyLines() []inventory.LineRequest {
	lines := make([]inventory.LineRequest, pick(h.Rand, 1, 1, 1, 2, 3, 4))
	for i := range lines {
		lines[i] = inventory.LineRequest{
			SKU:      anySKU[min(h.IntN(21)/5, len(anySKU)-1)],
			Quantity: pick[int32](h.Rand, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 5, 12, 40, inventory.QuantityMax),
			Location: pick(h.Rand, anyLocation...),
		}
	}
	return lines
}
