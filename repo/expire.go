package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// expireHold ends a hold that was read past its deadline, and answers what it
// has become.
func (r *Repo) expireHold(ctx context.Context, reservation *inventory.Reservation) (*inventory.Reservation, error) {
	command := inventory.ExpireHold{ReservationID: reservation.ID}
	outcome, err := r.lanes[inventory.Pessimistic].Do(ctx, newCall(reservation.Principal, command))
	if err != nil {
		return nil, laneFault(err)
	}
	return outcome.Reservation, nil
}
