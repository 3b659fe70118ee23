package repo

import (
	"context"
	"errors"
	"fmt"

	"holdfast/internal/inventory"
)

// expireHold ends a hold that was read past its deadline, and answers what it
// has become. While nobody can say, because somebody keeps it locked or because
// its end is in doubt, the answer is ErrOverloaded: to read it again is safe.
func (r *Repo) expireHold(ctx context.Context, reservation *inventory.Reservation) (*inventory.Reservation, error) {
	command := inventory.ExpireHold{ReservationID: reservation.ID}
	outcome, err := r.through(ctx, inventory.Pessimistic, newCall(reservation.Principal, command))
	switch {
	case err == nil && len(outcome.Refused) > 0:
		// In words alone: the reader's argument is not what was refused.
		return nil, fmt.Errorf("%w: %v", ErrOverloaded, outcome.Refused[0])
	case errors.Is(err, ErrUnknownOutcome):
		return nil, fmt.Errorf("%w: %v", ErrOverloaded, err)
	}
	return outcome.Reservation, err
}
