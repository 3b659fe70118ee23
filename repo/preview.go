package repo

import (
	"context"
	"fmt"

	"holdfast/internal/inventory"
)

// Preview answers what would become of the commands if they were done now, one
// after the other, and does nothing. The locations given are taken to exist.
// Others' changes may come between a preview and the doing, for nothing is kept
// locked. The error wraps ErrOverloaded, or is a fault.
func (r *Repo) Preview(ctx context.Context, commands []inventory.Command, locations ...string) ([]inventory.Outcome, error) {
	outcomes := make([]inventory.Outcome, len(commands))
	var calls []*call
	var asked []int // calls are the commands of these indices
	for i, command := range commands {
		if outcomes[i].Refused = command.Validate(r.options.Limits); len(outcomes[i].Refused) == 0 {
			calls = append(calls, newCall(principalOf(ctx), command))
			asked = append(asked, i)
		}
	}
	state, err := r.glance(ctx, footprintOf(calls))
	if err != nil {
		return nil, fmt.Errorf("preview: %w", readFault(err))
	}
	for _, code := range locations {
		state.Locations[code] = true
	}
	requests := make([]inventory.Request, len(calls))
	for i, c := range calls {
		requests[i] = c.request
		requests[i].ID = newID(state.Now)
	}
	decided, _ := inventory.Decide(r.options.Limits, state, requests)
	for i, outcome := range decided {
		outcomes[asked[i]] = outcome
	}
	return outcomes, nil
}

// glance loads what a group touches, and keeps nothing of it locked.
func (r *Repo) glance(ctx context.Context, group footprint) (inventory.State, error) {
	limits := patienceFor(readLockTimeout).within(ctx)
	ctx, cancel := context.WithTimeout(ctx, limits.connection)
	defer cancel()
	t, err := r.begin(ctx, limits)
	if err != nil {
		return inventory.State{}, err
	}
	defer t.end(ctx)
	return optimistic{}.load(ctx, t, group)
}
