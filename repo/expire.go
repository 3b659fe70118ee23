package repo

import (
	"context"
	"errors"

	"holdfast/internal/inventory"
)

// expireHold ends a hold that was read past its deadline, and answers what it
// has become. While somebody keeps it locked nobody can say, and the answer is
// ErrOverloaded.
func (r *Repo) expireHold(ctx context.Context, reservation *inventory.Reservation) (*inventory.Reservation, error) {
	command := inventory.ExpireHold{ReservationID: reservation.ID}
	outcome, err := r.through(ctx, inventory.Pessimistic, newCall(reservation.Principal, command))
	if err == nil && len(outcome.Refused) > 0 {
		err = errors.Join(ErrOverloaded, outcome.Refused[0])
	}
	return outcome.Reservation, err
}
