package inventory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// Every way to be in a state, against every command that needs one: what it
// does there, what is a repetition of the command that led there, and else a
// refusal.
func TestCommandIsDoneReplayedOrRefusedByTheStateItMeets(t *testing.T) {
	t.Parallel()
	commands := map[string]inventory.Command{
		"convert": convert(uuid(1)), "release": release(uuid(1)), "extend": extend(uuid(1), 3000),
		"fulfil": fulfil(uuid(1)), "cancel": cancel(uuid(1)),
	}
	becomes := map[string]inventory.Status{
		"convert": inventory.Allocated, "release": inventory.Released, "extend": inventory.Held,
		"fulfil": inventory.Fulfilled, "cancel": inventory.Cancelled,
	}
	stillHeld := func(r *inventory.Reservation) { r.CompletedAt = nil }
	allocatedDirectly := func(r *inventory.Reservation) { r.ExpiresAt, r.CompletedAt = nil, nil }
	tests := map[string]struct {
		status  inventory.Status
		change  func(*inventory.Reservation)
		does    []string
		replays []string
	}{
		"held":                               {status: inventory.Held, change: stillHeld, does: []string{"convert", "release", "extend"}},
		"converted":                          {status: inventory.Allocated, does: []string{"fulfil", "cancel"}, replays: []string{"convert"}},
		"released":                           {status: inventory.Released, replays: []string{"release"}},
		"expired":                            {status: inventory.Expired},
		"converted and fulfilled":            {status: inventory.Fulfilled, replays: []string{"convert", "fulfil"}},
		"converted and cancelled":            {status: inventory.Cancelled, replays: []string{"convert", "cancel"}},
		"allocated directly":                 {status: inventory.Allocated, change: allocatedDirectly, does: []string{"fulfil", "cancel"}},
		"allocated directly, then fulfilled": {status: inventory.Fulfilled, change: allocatedDirectly, replays: []string{"fulfil"}},
		"allocated directly, then cancelled": {status: inventory.Cancelled, change: allocatedDirectly, replays: []string{"cancel"}},
	}
	for name, test := range tests {
		for verb, command := range commands {
			t.Run(verb+" what was "+name, func(t *testing.T) {
				t.Parallel()
				state := stateOf(inventory.StockLevel{SKU: "A", Location: "default", Total: 10, Reserved: 5, Allocated: 5, Version: 5})
				r := heldReservation(1, inventory.Line{SKU: "A", Location: "default", Quantity: 5})
				r.Status, r.CompletedAt, r.Revision = test.status, new(noon.Add(-time.Second)), 2
				if test.change != nil {
					test.change(&r)
				}
				state.Reservations[r.ID] = r

				outcomes, changes := inventory.Decide(limits, state, []inventory.Request{request(2, command)})

				if slices.Contains(test.does, verb) {
					done := outcomes[0].Reservation
					require.Equal(t, inventory.Outcome{At: noon, Reservation: done}, outcomes[0])
					require.Equal(t, becomes[verb], done.Status)
					require.Equal(t, []inventory.ReservationMove{{After: *done, RevisionBefore: 2}}, changes.Moved)
					require.Len(t, changes.Entries, 1)
					return
				}
				require.True(t, changes.Empty())
				if slices.Contains(test.replays, verb) {
					require.Equal(t, inventory.Outcome{At: noon, Reservation: &r, Replayed: true}, outcomes[0])
					return
				}
				e := requireRefused(t, outcomes[0])
				require.Equal(t, inventory.InvalidState, e.Code)
				require.Equal(t, &r, e.Reservation)
				require.Equal(t, path("reservationId"), e.Field)
			})
		}
	}
}
