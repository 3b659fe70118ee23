package repo_test

import (
	"encoding/json"
	"slices"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

var tokenCases = []conformanceCase{
	{"SameTokenIsTheSameHold", func(w *world) {
		command := fullHold()
		first := done(w, w.repo, command)
		require.False(w, first.Replayed)
		for _, again := range []inventory.Outcome{do(w, w.repo, command), w.byAnother(command)} {
			require.True(w, again.Replayed)
			requireSameReservation(w, *first.Reservation, *again.Reservation)
		}
		slices.Reverse(command.Lines)
		require.True(w, do(w, w.repo, command).Replayed, "the order of lines doesn't matter")
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM reservations"))
		w.requireCounters("A", "default", 10, 2, 0)
	}},

	{"SameTokenIsTheSameAllocation", func(w *world) {
		command := inventory.CreateAllocation{ClientToken: "t", Lines: []inventory.LineRequest{line("B", 5), line("A", 2)}}
		first := done(w, w.repo, command)
		slices.Reverse(command.Lines)
		for _, again := range []inventory.Outcome{do(w, w.repo, command), w.byAnother(command)} {
			require.True(w, again.Replayed)
			require.Equal(w, first.Reservation, again.Reservation)
		}
		w.requireCounters("A", "default", 10, 0, 2)
	}},

	{"SameTokenIsTheSameAdjustment", func(w *world) {
		command := inventory.AdjustStock{ClientToken: "t", SKU: "A", Delta: -3, Reason: "LOST", ExpectedVersion: new(int64(1))}
		done(w, w.repo, command)
		w.hold("h", line("A", 1))
		for _, again := range []inventory.Outcome{do(w, w.repo, command), w.byAnother(command)} {
			require.True(w, again.Replayed)
			require.Equal(w, stockLevel(w, "A"), *again.Level, "as it now is")
		}
		w.requireCounters("A", "default", 7, 1, 0)
	}},

	{"ReplayShowsWhatTheHoldHasBecome", func(w *world) {
		command := inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 10)}}
		held := done(w, w.repo, command).Reservation
		released := w.release(held.ID).Reservation
		w.hold("rival", line("A", 10))
		again := do(w, w.repo, command)
		require.True(w, again.Replayed)
		require.Equal(w, released, again.Reservation)
	}},

	{"ReplayNeedsNoStock", func(w *world) {
		command := inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 10)}}
		held := done(w, w.repo, command).Reservation
		again := do(w, w.repo, command)
		require.True(w, again.Replayed)
		require.Equal(w, held, again.Reservation)
	}},

	{"TokenOfAnotherHoldConflictsInWhatDiffers", func(w *world) {
		done(w, w.repo, fullHold())
		for _, c := range []struct {
			differing []string
			change    func(*inventory.CreateHold)
		}{
			{[]string{"lines"}, func(c *inventory.CreateHold) { c.Lines[0].Quantity++ }},
			{[]string{"lines"}, func(c *inventory.CreateHold) { c.Lines[0].Location = nil }},
			{[]string{"lines"}, func(c *inventory.CreateHold) { c.Lines = c.Lines[1:] }},
			{[]string{"lines"}, func(c *inventory.CreateHold) { c.Lines[1].SKU = "GHOST" }},
			{[]string{"ttlSeconds"}, func(c *inventory.CreateHold) { c.TTLSeconds = new(int32(61)) }},
			{[]string{"ttlSeconds"}, func(c *inventory.CreateHold) { c.TTLSeconds = nil }},
			{[]string{"holder"}, func(c *inventory.CreateHold) { c.Holder = new("Bob") }},
			{[]string{"metadata"}, func(c *inventory.CreateHold) { c.Metadata = nil }},
			{[]string{"holder", "reference"}, func(c *inventory.CreateHold) { c.Holder, c.Reference = nil, new("cart-2") }},
		} {
			command := fullHold()
			c.change(&command)
			require.Equal(w, []*inventory.Error{
				{Code: inventory.IdempotencyConflict, Field: field("clientToken"), DifferingFields: c.differing},
			}, w.refused(command))
			require.Len(w, w.byAnother(command).Refused, 1)
		}
		require.Equal(w, 1, count(w, w.db, "SELECT count(*) FROM reservations"))
	}},

	{"TokenOfAnotherCommandConflicts", func(w *world) {
		lines := []inventory.LineRequest{line("A", 1)}
		commands := []inventory.Command{
			inventory.CreateHold{ClientToken: "t", Lines: lines},
			inventory.CreateAllocation{ClientToken: "t", Lines: lines},
			inventory.CreateHold{ClientToken: "t", Lines: lines, TTLSeconds: new(int32(60))},
			inventory.AdjustStock{ClientToken: "t", SKU: "A", Delta: 1, Reason: "FOUND"},
		}
		done(w, w.repo, commands[0])
		for i, differing := range [][]string{
			{"operation"},
			{"ttlSeconds"},
			{"delta", "lines", "operation", "reason", "sku"},
		} {
			require.Equal(w, []*inventory.Error{
				{Code: inventory.IdempotencyConflict, Field: field("clientToken"), DifferingFields: differing},
			}, w.refused(commands[i+1]))
		}
		w.requireLogged("HELD A@default +0/+1/+0 -> 10/1/0")
	}},

	{"TokenOfAnAdjustmentConflictsInWhatDiffers", func(w *world) {
		command := inventory.AdjustStock{ClientToken: "t", SKU: "A", Delta: 1, Reason: "FOUND"}
		done(w, w.repo, command)
		command.Delta, command.Reason, command.Location = 2, "RETURNED", new("default")
		require.Equal(w, []*inventory.Error{
			{Code: inventory.IdempotencyConflict, Field: field("clientToken"), DifferingFields: []string{"delta", "location", "reason"}},
		}, w.refused(command))
		command.SKU, command.ExpectedVersion, command.Reference = "GHOST", new(int64(9)), new("r")
		require.Equal(w, []*inventory.Error{{
			Code: inventory.IdempotencyConflict, Field: field("clientToken"),
			DifferingFields: []string{"delta", "expectedVersion", "location", "reason", "reference", "sku"},
		}}, w.refused(command))
	}},

	{"TokensThatDifferInCaseOrSpaceAreDifferent", func(w *world) {
		for _, token := range []string{"t", "T", "t ", " t", "t\\", "t'"} {
			require.Equal(w, token, w.hold(token, line("A", 1)).ClientToken)
		}
		w.requireCounters("A", "default", 10, 6, 0)
	}},
}

// fullHold is a hold that gives all there is to give.
func fullHold() inventory.CreateHold {
	return inventory.CreateHold{
		ClientToken: "t", Lines: []inventory.LineRequest{line("A", 2, "default"), line("B", 5)}, TTLSeconds: new(int32(60)),
		Holder: new("Alice"), Reference: new("cart-1"), Metadata: json.RawMessage(`{"cart":1}`),
	}
}
