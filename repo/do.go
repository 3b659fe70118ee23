package repo

import (
	"context"
	"errors"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
)

// Do runs one command and answers when its group is committed. A refusal is an
// outcome. The errors are ErrOverloaded and ErrUnknownOutcome, and faults.
//
// If ctx ends first, a command that was waiting is dropped; one under way goes
// on, and its outcome is unknown to the caller.
func (r *Repo) Do(ctx context.Context, command inventory.Command, strategy *inventory.Strategy) (inventory.Outcome, error) {
	if invalid := command.Validate(r.options.Limits); len(invalid) > 0 {
		return inventory.Outcome{Refused: invalid}, nil
	}
	chosen := r.options.Strategy
	if strategy != nil {
		chosen = *strategy
	}
	principal := principalOf(ctx)
	outcome, err := r.lanes[chosen].Do(ctx, newCall(principal, command))
	if err != nil {
		return inventory.Outcome{}, laneFault(err)
	}
	if outcome.Replayed && outcome.Reservation != nil && outcome.Reservation.Overdue(outcome.At) {
		outcome.Reservation, err = r.expireHold(ctx, outcome.Reservation)
	}
	return outcome, err
}

// laneFault is the lane's refusals in the repository's words.
func laneFault(err error) error {
	switch {
	case errors.Is(err, groupcommit.ErrUnknown):
		return ErrUnknownOutcome
	case errors.Is(err, groupcommit.ErrOverloaded), errors.Is(err, groupcommit.ErrStopped), errors.Is(err, groupcommit.ErrNotStarted):
		return ErrOverloaded
	default:
		return err
	}
}
