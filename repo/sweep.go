package repo

import (
	"context"
	"errors"
	"time"

	"holdfast/internal/inventory"
)

const (
	// sweepLinesMax bounds a sweep beside its limit. Beyond it a sweep is no
	// faster, and its locks are held longer.
	sweepLinesMax = 4096

	// besideMax bounds a sweep while commands wait, which may wait for its locks.
	// They then keep more than half of their throughput, and with 500 a quarter.
	besideMax = 150

	// sweepTriesMax is how often a sweep goes without stock that turned out to
	// be locked, before it gives up.
	sweepTriesMax = 3

	// busyPause is how long sweeps leave stock alone that others kept locked for
	// longer than a sweep waits, so that other holds don't wait with it.
	busyPause = 3 * time.Second

	// driftPause is the same for stock whose counters are wrong. Its holds
	// can't be expired until it is repaired.
	driftPause = time.Minute
)

// errDrift says that what a sweep decided can't be written.
var errDrift = errors.New("stock counters are less than what their holds say")

// Sweeper ends holds whose deadline has come, a group of its own at a time. It
// isn't safe for concurrent use, but any number of them may sweep one database.
type Sweeper struct {
	repo *Repo
	// avoided is the stock whose holds are passed over, and until when.
	avoided map[inventory.LevelKey]time.Time
	// doubtful are holds whose end is still to be announced if it was committed.
	doubtful []string
}

// NewSweeper returns a sweeper that announces what it ends as the repository
// does.
func NewSweeper(r *Repo) *Sweeper {
	return &Sweeper{repo: r, avoided: map[inventory.LevelKey]time.Time{}}
}

// Sweep ends at most limit holds that are due, with deadlines of from and
// later, the earliest first. It passes over holds that others have locked, and
// over those on stock that others keep locked.
//
// After an error holds may have been ended or not; to repeat it is safe, and
// announces those that were.
func (s *Sweeper) Sweep(ctx context.Context, from time.Time, limit int) (inventory.Swept, error) {
	if err := s.announceDoubtful(ctx); err != nil {
		return inventory.Swept{}, err
	}
	if s.repo.Queued() > 0 {
		limit = min(limit, besideMax)
	}
	for tries := 1; ; tries++ {
		swept, err := s.end(ctx, from, limit)
		switch {
		case err == nil:
			return swept, nil
		case tries == sweepTriesMax:
			return inventory.Swept{}, err
		case lockTimedOut(err):
			s.avoidBusy(ctx, from, limit)
		case collided(err), errors.Is(err, errDrift):
		default:
			return inventory.Swept{}, err
		}
	}
}

// patience is a group's, for a sweep has others waiting behind it as well.
func (s *Sweeper) patience() patience {
	return patienceFor(min(groupLockTimeout, s.repo.options.LockTimeout))
}

// end claims holds that are due, and ends them.
func (s *Sweeper) end(ctx context.Context, from time.Time, limit int) (inventory.Swept, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience().connection)
	defer cancel()
	t, err := s.repo.begin(ctx, s.patience())
	if err != nil {
		return inventory.Swept{}, err
	}
	defer t.end(ctx)

	asked := time.Now()
	claimed, err := s.claim(ctx, t, from, limit)
	if err != nil || len(claimed.ids) == 0 {
		return claimed.swept, err
	}
	_, changes := inventory.Decide(s.repo.options.Limits, claimed.state, expirations(claimed))
	if changes.Empty() {
		return claimed.swept, nil
	}
	if s.avoidDrifted(changes) {
		return claimed.swept, errDrift
	}
	if err := (pessimistic{}).save(ctx, t, changes); err != nil {
		if connectionLost(err) {
			s.doubtful = append(s.doubtful, claimed.ids...)
		}
		return claimed.swept, err
	}
	s.observe(changes, claimed.swept.Now.Add(time.Since(asked)))
	s.repo.announce(changes)
	claimed.swept.Ended = len(changes.Moved)
	return claimed.swept, nil
}

// observe tells how late the holds were ended. Now is the database's clock as it
// was read, and what has passed here since it was asked for. That is too much by
// what the question took to get there, and never a difference between two clocks.
func (s *Sweeper) observe(ended inventory.Changes, now time.Time) {
	s.repo.observeExpired(ended)
	for _, move := range ended.Moved {
		s.repo.options.Observer.Late(now.Sub(*move.After.ExpiresAt))
	}
}

func expirations(claimed claim) []inventory.Request {
	requests := make([]inventory.Request, len(claimed.ids))
	for i, id := range claimed.ids {
		requests[i] = inventory.Request{
			ID:        newID(claimed.state.Now),
			Principal: claimed.state.Reservations[id].Principal,
			Command:   inventory.ExpireHold{ReservationID: id},
		}
	}
	return requests
}

// avoidDrifted says whether any level would break its rules, and leaves those
// alone: otherwise they would keep all other holds from expiring.
func (s *Sweeper) avoidDrifted(changes inventory.Changes) bool {
	drifted := false
	for _, change := range changes.Levels {
		if level := change.After; level.Reserved < 0 {
			drifted = true
			s.avoided[level.Key()] = time.Now().Add(driftPause)
			s.repo.options.Log.Error("holds on this stock can't be expired: less is reserved than they say; run the consistency check",
				"sku", level.SKU, "location", level.Location)
		}
	}
	return drifted
}
