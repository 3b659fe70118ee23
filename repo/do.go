package repo

import (
	"context"
	"errors"
	"fmt"

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
		outcome := inventory.Outcome{Refused: invalid}
		r.options.Observer.Command(command, resultOf(outcome, nil))
		return outcome, nil
	}
	chosen := r.options.Strategy
	if strategy != nil {
		chosen = *strategy
	}
	outcome, err := r.through(ctx, chosen, newCall(principalOf(ctx), command))
	if err != nil {
		return inventory.Outcome{}, err
	}
	if outcome.Reservation == nil || !outcome.Reservation.Overdue(outcome.At) {
		return outcome, nil
	}
	outcome.Reservation, err = r.expireHold(ctx, outcome.Reservation)
	if err != nil && !outcome.Replayed {
		// It was done by a first try, whose answer was lost.
		err = fmt.Errorf("%w: %v", ErrUnknownOutcome, err)
	}
	return outcome, err
}

// through takes a call through a lane, and puts the lane's refusals into the
// repository's words.
func (r *Repo) through(ctx context.Context, lane inventory.Strategy, c *call) (inventory.Outcome, error) {
	command := c.request.Command
	outcome, err := r.throughLane(ctx, lane, c)
	r.options.Observer.Command(command, resultOf(outcome, err))
	return outcome, err
}

func (r *Repo) throughLane(ctx context.Context, lane inventory.Strategy, c *call) (inventory.Outcome, error) {
	c.caller = r.options.Tracer.Caller(ctx)
	outcome, err := r.lanes[lane].Do(ctx, c)
	switch {
	case err == nil:
		return outcome, nil
	case errors.Is(err, groupcommit.ErrUnknown):
		return inventory.Outcome{}, ErrUnknownOutcome // the call is still under way: not to be looked into
	case c.tried:
		// What the error says of this try doesn't hold for the one before.
		return inventory.Outcome{}, fmt.Errorf("%w: %v", ErrUnknownOutcome, err)
	case errors.Is(err, groupcommit.ErrOverloaded), errors.Is(err, groupcommit.ErrStopped), errors.Is(err, groupcommit.ErrNotStarted):
		return inventory.Outcome{}, ErrOverloaded
	default:
		return inventory.Outcome{}, err
	}
}
