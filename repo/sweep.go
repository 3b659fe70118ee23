package repo

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

const (
	// sweepLinesMax bounds a sweep beside its limit. Beyond it a sweep is no
	// faster, and its locks are held longer.
	sweepLinesMax = 4096

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
// over those on stock that others keep locked. If none is due it is one query,
// outside a transaction.
//
// After an error holds may have been ended or not; to repeat it is safe, and
// announces those that were.
func (s *Sweeper) Sweep(ctx context.Context, from time.Time, limit int) (inventory.Swept, error) {
	if err := s.announceDoubtful(ctx); err != nil {
		return inventory.Swept{}, err
	}
	asked := time.Now()
	found, err := s.look(ctx, from)
	if err != nil || !found.Due() {
		return found, err
	}
	for tries := 1; ; tries++ {
		swept, claimed, err := s.end(ctx, found, asked, limit)
		switch {
		case err == nil:
			return swept, nil
		case tries == sweepTriesMax:
			return inventory.Swept{}, err
		case lockTimedOut(err):
			s.avoidBusy(ctx, claimed)
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

// look finds the earliest deadline there is from a time on.
func (s *Sweeper) look(ctx context.Context, from time.Time) (inventory.Swept, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience().connection)
	defer cancel()
	var now time.Time
	var next sql.NullTime
	err := s.repo.db.QueryRowContext(ctx, s.patience().settings()+`
		SELECT clock_timestamp(), (SELECT expires_at FROM reservations WHERE status = 'HELD' AND expires_at >= ? ORDER BY expires_at, id LIMIT 1)`,
		from).Scan(&now, &next)
	if err != nil {
		return inventory.Swept{}, err
	}
	found := inventory.Swept{Now: now.UTC(), Through: now.UTC()}
	if next.Valid {
		found.Next = next.Time.UTC()
	}
	return found, nil
}

// end claims holds that are due, from the one that was found on, and ends them.
// They were found by a query that was asked at a time of this machine's clock. On
// an error, claimed is what it had tried to end.
func (s *Sweeper) end(ctx context.Context, found inventory.Swept, asked time.Time, limit int) (swept inventory.Swept, claimed []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience().connection)
	defer cancel()
	t, err := s.repo.begin(ctx, s.patience())
	if err != nil {
		return found, nil, err
	}
	defer t.end(ctx)

	swept, claimed, err = s.claim(ctx, t, found, limit)
	if err != nil || len(claimed) == 0 {
		return swept, nil, err
	}
	// Levels are locked after reservations, and read after both, as everywhere.
	var locking pessimistic
	state, err := locking.load(ctx, t, footprint{reservations: claimed})
	if err != nil {
		return swept, claimed, err
	}
	_, changes := inventory.Decide(s.repo.options.Limits, state, expirations(state, claimed))
	if changes.Empty() {
		return swept, nil, nil
	}
	if s.avoidDrifted(changes) {
		return swept, claimed, errDrift
	}
	if err := locking.save(ctx, t, changes); err != nil {
		if connectionLost(err) {
			s.doubtful = append(s.doubtful, claimed...)
		}
		return swept, claimed, err
	}
	s.observe(changes, found.Now.Add(time.Since(asked)))
	s.repo.announce(changes)
	swept.Ended = len(changes.Moved)
	return swept, claimed, nil
}

// claim locks holds that are due, without waiting for any, and notes in what
// was found how far it came.
func (s *Sweeper) claim(ctx context.Context, t *tx, found inventory.Swept, limit int) (inventory.Swept, []string, error) {
	var m message
	// The subquery: an index isn't bounded by a volatile function.
	m.add("WITH due AS MATERIALIZED (SELECT id, expires_at, line_count FROM reservations AS r"+
		" WHERE status = 'HELD' AND expires_at >= ? AND expires_at <= (SELECT clock_timestamp())", found.Next)
	s.addAvoided(&m)
	m.add(" ORDER BY expires_at, id LIMIT ? FOR NO KEY UPDATE SKIP LOCKED) SELECT json_agg(due) FROM due", limit)
	var due []struct {
		ID        string    `json:"id"`
		ExpiresAt time.Time `json:"expires_at"`
		LineCount int       `json:"line_count"`
	}
	if err := t.queryJSON(ctx, m, &due); err != nil {
		return found, nil, err
	}

	var claimed []string
	lines := 0
	for _, hold := range due {
		if lines += hold.LineCount; lines > sweepLinesMax && len(claimed) > 0 {
			break
		}
		claimed = append(claimed, hold.ID)
	}
	if len(claimed) == limit || len(claimed) < len(due) {
		found.More = true
		found.Through = due[len(claimed)-1].ExpiresAt.UTC()
	}
	return found, claimed, nil
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

func expirations(state inventory.State, ids []string) []inventory.Request {
	requests := make([]inventory.Request, len(ids))
	for i, id := range ids {
		requests[i] = inventory.Request{
			ID:        newID(state.Now),
			Principal: state.Reservations[id].Principal,
			Command:   inventory.ExpireHold{ReservationID: id},
		}
	}
	return requests
}

// addAvoided adds the condition that none of a hold's lines is on stock to be
// left alone. A count can't be planned as a join, which would read all holds.
func (s *Sweeper) addAvoided(m *message) {
	maps.DeleteFunc(s.avoided, func(_ inventory.LevelKey, until time.Time) bool { return time.Now().After(until) })
	if len(s.avoided) == 0 {
		return
	}
	var keys []inventory.LevelKey
	for key := range s.avoided {
		keys = append(keys, key)
	}
	skus, locations := splitKeys(keys)
	m.add(" AND 0 = (SELECT count(*) FROM reservation_lines AS l JOIN unnest(?::text[], ?::text[]) AS u (sku, location)"+
		" ON l.sku = u.sku AND l.location = u.location WHERE l.reservation_id = r.id)",
		pgdialect.Array(skus), pgdialect.Array(locations))
}

// avoidBusy finds out which stock of the claimed holds is locked. If that can't
// be found out, the next try tells.
func (s *Sweeper) avoidBusy(ctx context.Context, claimed []string) {
	busy, err := s.repo.probe(ctx, footprint{reservations: claimed})
	if err != nil {
		return
	}
	for key := range busy.levels {
		s.avoided[key] = time.Now().Add(busyPause)
	}
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
