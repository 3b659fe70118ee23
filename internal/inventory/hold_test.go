package inventory_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestHoldOfAllThatIsAvailableIsMade(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := s.holdOf(10)
	c.Holder, c.Reference, c.Metadata = new("Ada"), new("cart-1"), json.RawMessage(`{"gift":true}`)

	outcome := s.done(c)

	require.Equal(t, inventory.Outcome{At: noon, Reservation: &inventory.Reservation{
		ID: s.last.ID, Principal: somebody, Status: inventory.Held, ClientToken: c.ClientToken,
		Lines:    []inventory.Line{{SKU: "A", Location: "default", Quantity: 10}},
		Revision: 1, CreatedAt: noon, ExpiresAt: new(noon.Add(limits.HoldTTL)),
		Holder: c.Holder, Reference: c.Reference, Metadata: c.Metadata,
	}}, outcome)
	require.Equal(t, inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Reserved: 10, Version: 2, UpdatedAt: noon}, s.level())
	require.Equal(t, inventory.Entry{
		At: noon, Action: inventory.ActionHeld, SKU: "A", Location: "default", ReservationID: s.last.ID, ReservedDelta: 10,
		After: new(s.level()), Actor: somebody, Reference: "cart-1", CommandID: s.last.ID,
	}, s.db.log[len(s.db.log)-1])
}

func TestHoldBeyondAvailableIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.hold(3)
	s.done(inventory.CreateAllocation{ClientToken: "allocation", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}})

	e := s.refused(s.holdOf(6))

	require.Equal(t, inventory.InsufficientStock, e.Code)
	require.Equal(t, "A", e.SKU)
	require.Empty(t, e.Location)
	require.EqualValues(t, 6, e.Requested)
	require.EqualValues(t, 5, e.Available)
	require.Equal(t, path("lines", "0", "quantity"), e.Field)
}

func TestHoldNamesEveryLineThatCantBeHad(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	s.done(inventory.CreateSKU{SKU: "B", Name: "B"})
	c := s.holdOf(11)
	c.Lines = append(c.Lines,
		inventory.LineRequest{SKU: "GHOST", Quantity: 1},
		inventory.LineRequest{SKU: "A", Quantity: 1, Location: new("moon")},
		inventory.LineRequest{SKU: "A", Quantity: 1, Location: new("default")},
		inventory.LineRequest{SKU: "B", Quantity: 1},
		inventory.LineRequest{SKU: "A", Quantity: 2, Location: new("west")},
		inventory.LineRequest{SKU: "GHOST", Quantity: 1, Location: new("moon")})

	outcome := s.do(c)

	require.Nil(t, outcome.Reservation)
	require.Equal(t, []string{
		"input.lines.0.quantity", "input.lines.1.sku", "input.lines.2.location", "input.lines.4.quantity",
		"input.lines.5.quantity", "input.lines.6.sku",
	}, paths(outcome.Refused))
	codes := make([]inventory.Code, len(outcome.Refused))
	for i, e := range outcome.Refused {
		codes[i] = e.Code
	}
	require.Equal(t, []inventory.Code{
		inventory.InsufficientStock, inventory.UnknownSKU, inventory.UnknownLocation, inventory.InsufficientStock,
		inventory.InsufficientStock, inventory.UnknownSKU,
	}, codes)
	require.EqualValues(t, 9, outcome.Refused[0].Available, "one is the fourth line's")
	require.Equal(t, "west", outcome.Refused[4].Location)
	require.Zero(t, s.level().Reserved)
}

func TestHoldLastsAsLongAsAsked(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := s.holdOf(1)
	c.TTLSeconds = new(int32(90))
	require.Equal(t, noon.Add(90*time.Second), *s.done(c).Reservation.ExpiresAt)
}

func TestAllocationHasNoDeadline(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)

	r := s.done(inventory.CreateAllocation{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 4}}}).Reservation

	require.Equal(t, inventory.Allocated, r.Status)
	require.Nil(t, r.ExpiresAt)
	require.Nil(t, r.CompletedAt, "it was never held")
	require.EqualValues(t, 4, s.level().Allocated)
	s.now = s.now.Add(1000 * time.Hour)
	require.Equal(t, r, s.done(inventory.ExpireHold{ReservationID: r.ID}).Reservation)
}

func TestLastUnitGoesToTheFirstInTheGroup(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 1, Version: 1})
	one := []inventory.LineRequest{{SKU: "A", Quantity: 1}}

	outcomes, changes := inventory.Decide(limits, state, []inventory.Request{
		request(9, inventory.CreateHold{ClientToken: "9", Lines: one}),
		request(1, inventory.CreateHold{ClientToken: "1", Lines: one}),
	})

	require.Empty(t, outcomes[0].Refused)
	require.Zero(t, requireRefused(t, outcomes[1]).Available)
	require.Len(t, changes.Made, 1)
	require.Len(t, changes.Tokens, 1)
}

func TestUnitsReleasedInTheGroupAreHadByThoseAfter(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 1, Reserved: 1, Version: 2})
	held := heldReservation(5, inventory.Line{SKU: "A", Location: "default", Quantity: 1})
	state.Reservations[held.ID] = held
	one := []inventory.LineRequest{{SKU: "A", Quantity: 1}}

	outcomes, changes := inventory.Decide(limits, state, []inventory.Request{
		request(11, inventory.CreateHold{ClientToken: "too early", Lines: one}),
		request(12, inventory.ReleaseHold{ReservationID: held.ID}),
		request(13, inventory.CreateHold{ClientToken: "in time", Lines: one}),
		request(14, inventory.ConvertHold{ReservationID: uuid(13)}),
	})

	require.Len(t, outcomes[0].Refused, 1)
	require.Equal(t, inventory.Held, outcomes[2].Reservation.Status, "as it was when it was decided")
	require.Equal(t, inventory.Allocated, outcomes[3].Reservation.Status)
	require.Equal(t, []inventory.Reservation{*outcomes[3].Reservation}, changes.Made, "as it is after the group")
	require.Equal(t, []inventory.ReservationMove{{After: *outcomes[1].Reservation, RevisionBefore: 1}}, changes.Moved)
	require.Equal(t, []inventory.LevelChange{{
		After:         inventory.StockLevel{SKU: "A", Location: "default", Total: 1, Allocated: 1, Version: 5, UpdatedAt: noon},
		VersionBefore: 2,
	}}, changes.Levels)
}
