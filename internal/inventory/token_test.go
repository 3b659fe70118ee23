package inventory_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func TestRepeatedTokenAnswersTheReservationAsItNowIs(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := s.holdOf(4)
	held := s.done(c).Reservation

	repeated := s.done(c)
	require.True(t, repeated.Replayed)
	require.Equal(t, held, repeated.Reservation)

	s.done(release(held.ID))
	repeated = s.done(c)
	require.True(t, repeated.Replayed)
	require.Equal(t, held.ID, repeated.Reservation.ID)
	require.Equal(t, inventory.Released, repeated.Reservation.Status)
	require.Zero(t, s.level().Reserved)
}

// Its lines' levels aren't loaded, so it can't be ended here.
func TestRepeatedTokenLeavesAnOverdueHoldToBeEndedAfter(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := s.holdOf(4)
	held := s.done(c).Reservation
	s.now = *held.ExpiresAt

	repeated := s.done(c)

	require.Equal(t, held, repeated.Reservation)
	require.True(t, repeated.Reservation.Overdue(repeated.At))
}

func TestRepeatedTokenIsAnsweredThoughTheStockIsGone(t *testing.T) {
	t.Parallel()
	s := newShop(t, 4)
	c := s.holdOf(4)
	held := s.done(c).Reservation
	require.Equal(t, held, s.done(c).Reservation)
}

func TestTokenIsUsedOnceInAGroup(t *testing.T) {
	t.Parallel()
	state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 9, Version: 1})
	hold := inventory.CreateHold{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 1}}}
	more := inventory.CreateHold{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 2}}}

	outcomes, changes := inventory.Decide(limits, state, []inventory.Request{request(1, hold), request(2, hold), request(3, more)})

	require.False(t, outcomes[0].Replayed)
	require.True(t, outcomes[1].Replayed)
	require.Equal(t, outcomes[0].Reservation, outcomes[1].Reservation)
	require.Equal(t, inventory.IdempotencyConflict, requireRefused(t, outcomes[2]).Code)
	require.Len(t, changes.Made, 1)
}

func TestRequestRunAgainAfterItsCommitIsDone(t *testing.T) {
	t.Parallel()
	tests := map[string]inventory.Command{
		"hold":       inventory.CreateHold{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 10}}},
		"allocation": inventory.CreateAllocation{ClientToken: "1", Lines: []inventory.LineRequest{{SKU: "A", Quantity: 10}}},
		"adjustment": inventory.AdjustStock{ClientToken: "1", SKU: "A", Delta: -10, Reason: "LOST", ExpectedVersion: new(int64(1))},
		"count":      inventory.SetStock{ClientToken: "1", SKU: "A", Total: 0, Reason: "CORRECTION", ExpectedVersion: new(int64(1))},
		"same count": inventory.SetStock{ClientToken: "1", SKU: "A", Total: 10, Reason: "CORRECTION"},
		"creation":   inventory.CreateSKU{SKU: "B", Name: "B", InitialStock: new(int64(1)), Metadata: json.RawMessage(`{"a":1}`)},
	}
	for name, command := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			first := s.done(command)
			entries := len(s.db.log)
			s.now = s.now.Add(time.Minute)

			again := s.again()

			require.Equal(t, s.now, again.At)
			again.At = first.At
			require.Equal(t, first, again)
			require.Len(t, s.db.log, entries)
		})
	}
}

func TestAnotherPayloadIsRefusedWithTheFieldsThatDiffer(t *testing.T) {
	t.Parallel()
	lines := []inventory.LineRequest{{SKU: "A", Quantity: 1}, {SKU: "B", Quantity: 2, Location: new("default")}}
	first := inventory.CreateHold{ClientToken: "1", Lines: lines, TTLSeconds: new(int32(60)), Holder: new("Ada")}
	change := func(f func(*inventory.CreateHold)) inventory.Command {
		c := first
		f(&c)
		return c
	}
	tests := map[string]struct {
		second inventory.Command
		differ []string // none: the same payload
	}{
		"the same":         {first, nil},
		"other strategy":   {change(func(c *inventory.CreateHold) { c.Strategy = new(inventory.Optimistic) }), nil},
		"other line order": {change(func(c *inventory.CreateHold) { c.Lines = []inventory.LineRequest{lines[1], lines[0]} }), nil},
		"other quantity": {change(func(c *inventory.CreateHold) {
			c.Lines = []inventory.LineRequest{{SKU: "A", Quantity: 2}, lines[1]}
		}), []string{"lines"}},
		"quantities exchanged": {change(func(c *inventory.CreateHold) {
			c.Lines = []inventory.LineRequest{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 1, Location: new("default")}}
		}), []string{"lines"}},
		"location left out": {change(func(c *inventory.CreateHold) {
			c.Lines = []inventory.LineRequest{lines[0], {SKU: "B", Quantity: 2}}
		}), []string{"lines"}},
		"one line less":   {change(func(c *inventory.CreateHold) { c.Lines = lines[:1] }), []string{"lines"}},
		"other TTL":       {change(func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(61)) }), []string{"ttlSeconds"}},
		"TTL left out":    {change(func(c *inventory.CreateHold) { c.TTLSeconds = nil }), []string{"ttlSeconds"}},
		"other holder":    {change(func(c *inventory.CreateHold) { c.Holder = new("Bob") }), []string{"holder"}},
		"reference given": {change(func(c *inventory.CreateHold) { c.Reference = new("Ada") }), []string{"reference"}},
		"metadata given":  {change(func(c *inventory.CreateHold) { c.Metadata = json.RawMessage(`{}`) }), []string{"metadata"}},
		"an allocation":   {inventory.CreateAllocation{ClientToken: "1", Lines: lines, Holder: new("Ada")}, []string{"operation", "ttlSeconds"}},
		"a change of stock": {
			inventory.AdjustStock{ClientToken: "1", SKU: "A", Delta: 1, Reason: "FOUND"},
			[]string{"delta", "holder", "lines", "operation", "reason", "sku", "ttlSeconds"},
		},
		"everything": {
			inventory.CreateHold{ClientToken: "1", Lines: lines[:1], Reference: new("r"), Metadata: json.RawMessage(`{}`)},
			[]string{"holder", "lines", "metadata", "reference", "ttlSeconds"},
		},
		"what isn't there": {change(func(c *inventory.CreateHold) { c.Lines = []inventory.LineRequest{{SKU: "GHOST", Quantity: 1}} }), []string{"lines"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.done(inventory.CreateSKU{SKU: "B", Name: "B", InitialStock: new(int64(10))})
			held := s.done(first).Reservation

			if test.differ == nil {
				repeated := s.done(test.second)
				require.True(t, repeated.Replayed)
				require.Equal(t, held, repeated.Reservation)
				return
			}
			e := s.refused(test.second)
			require.Equal(t, inventory.IdempotencyConflict, e.Code)
			require.Equal(t, path("clientToken"), e.Field)
			require.Equal(t, test.differ, e.DifferingFields)
		})
	}
}

func TestTokenOfAStockChangeNamesTheFieldsThatDiffer(t *testing.T) {
	t.Parallel()
	first := inventory.AdjustStock{ClientToken: "1", SKU: "A", Delta: 5, Reason: "RECEIVED"}
	tests := map[string]struct {
		change func(*inventory.AdjustStock)
		differ []string
	}{
		"sku":             {func(c *inventory.AdjustStock) { c.SKU = "B" }, []string{"sku"}},
		"location":        {func(c *inventory.AdjustStock) { c.Location = new("default") }, []string{"location"}},
		"delta":           {func(c *inventory.AdjustStock) { c.Delta = -5 }, []string{"delta"}},
		"reason":          {func(c *inventory.AdjustStock) { c.Reason = "FOUND" }, []string{"reason"}},
		"reference":       {func(c *inventory.AdjustStock) { c.Reference = new("r") }, []string{"reference"}},
		"expectedVersion": {func(c *inventory.AdjustStock) { c.ExpectedVersion = new(int64(2)) }, []string{"expectedVersion"}},
		"two":             {func(c *inventory.AdjustStock) { c.SKU, c.Delta = "B", 6 }, []string{"delta", "sku"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, 10)
			s.done(first)
			second := first
			test.change(&second)
			e := s.refused(second)
			require.Equal(t, inventory.IdempotencyConflict, e.Code)
			require.Equal(t, test.differ, e.DifferingFields)
		})
	}
}

func TestRefusedCommandIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := newShop(t, 1)
	c := s.holdOf(2)
	_ = s.refused(c)
	s.done(inventory.AdjustStock{ClientToken: "more", SKU: "A", Delta: 1, Reason: "FOUND"})

	outcome := s.done(c)

	require.False(t, outcome.Replayed)
	require.Equal(t, s.last.ID, outcome.Reservation.ID)
}

func TestTokenBelongsToItsPrincipal(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10)
	c := s.holdOf(1)
	mine := s.done(c).Reservation

	theirs := s.doAs(another, c)

	require.Empty(t, theirs.Refused)
	require.False(t, theirs.Replayed)
	require.NotEqual(t, mine.ID, theirs.Reservation.ID)
	require.EqualValues(t, 2, s.level().Reserved)
}

func TestTokenKeyTellsPrincipalAndTokenApart(t *testing.T) {
	t.Parallel()
	require.True(t, inventory.ValidReservationID(inventory.TokenKey("a", "b")), "it is kept as a UUID")
	require.Equal(t, inventory.TokenKey("a", "b"), inventory.TokenKey("a", "b"))
	require.NotEqual(t, inventory.TokenKey("ab", "c"), inventory.TokenKey("a", "bc"))
	require.NotEqual(t, inventory.TokenKey("a", "b"), inventory.TokenKey("b", "a"))
}
