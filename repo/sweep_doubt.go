package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// announceDoubtful tells of the holds that were ended by a sweep whose COMMIT
// was in doubt. It waits for no lock: one that is still HELD, because that
// COMMIT came to nothing or is under way, is looked at again by the next sweep,
// until somebody has ended it.
func (s *Sweeper) announceDoubtful(ctx context.Context) error {
	if len(s.doubtful) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience().connection)
	defer cancel()
	t, err := s.repo.begin(ctx, s.patience())
	if err != nil {
		return err
	}
	defer t.end(ctx)
	state, err := load(ctx, t, locks{}, footprint{reservations: distinct(s.doubtful)})
	if err != nil {
		return err
	}
	s.doubtful = nil
	for id, reservation := range state.Reservations {
		if reservation.Status == inventory.Held {
			s.doubtful = append(s.doubtful, id)
			delete(state.Reservations, id)
		}
	}
	s.repo.announceState(state)
	return nil
}
