package repo_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

var fromTheBeginning time.Time

// sweepWorld is several servers that sweep one database.
type sweepWorld struct {
	t *testing.T
	// db is the test's own.
	db      *bun.DB
	servers []*sweepServer
}

type sweepServer struct {
	*repo.Repo
	*repo.Sweeper
	db  *bun.DB
	log bytes.Buffer
	// queries is how many messages were sent.
	queries atomic.Int64

	mu sync.Mutex
	// announced are the ids of the holds that were announced as expired.
	announced []string
}

func newSweepWorld(t *testing.T, servers int) *sweepWorld {
	t.Helper()
	url := pgtest.URL(t)
	w := &sweepWorld{t: t, db: openPool(t, url)}
	// A deadlock is noticed before a lock's time-out can hide it.
	execute(t, w.db, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''50ms''', current_database()); END $$`)
	for range servers {
		s := &sweepServer{}
		s.db = openPool(t, url).WithQueryHook(s)
		s.Repo = newRepo(t, s.db, func(options *repo.Options) {
			options.LockTimeout = 300 * time.Millisecond
			options.Log = slog.New(slog.NewTextHandler(&s.log, nil))
		})
		s.AnnounceTo(s)
		s.Sweeper = repo.NewSweeper(s.Repo)
		w.servers = append(w.servers, s)
	}
	return w
}

// Announce implements repo.Announcer.
func (s *sweepServer) Announce(changes inventory.Changes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, move := range changes.Moved {
		if move.After.Status == inventory.Expired {
			s.announced = append(s.announced, move.After.ID)
		}
	}
}

// BeforeQuery implements bun.QueryHook.
func (s *sweepServer) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	s.queries.Add(1)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (s *sweepServer) AfterQuery(context.Context, *bun.QueryEvent) {}

func (w *sweepWorld) createSKU(sku string, stock int64) {
	w.t.Helper()
	createSKU(w.t, w.servers[0].Repo, sku, stock)
}

// hold makes holds of one unit of each SKU, and returns their ids.
func (w *sweepWorld) hold(holds int, skus ...string) []string {
	w.t.Helper()
	var lines []inventory.LineRequest
	for _, sku := range skus {
		lines = append(lines, line(sku, 1))
	}
	ids := make([]string, holds)
	var callers sync.WaitGroup
	for i := range ids {
		callers.Go(func() {
			outcome, err := w.servers[0].Do(w.t.Context(), inventory.CreateHold{ClientToken: crand.Text(), Lines: lines}, nil)
			if assert.NoError(w.t, err) && assert.Empty(w.t, outcome.Refused) {
				ids[i] = outcome.Reservation.ID
			}
		})
	}
	callers.Wait()
	require.False(w.t, w.t.Failed())
	return ids
}

// due moves the deadlines of all holds: the first to start from now, each other
// a step behind the one before.
func (w *sweepWorld) due(start, step time.Duration) {
	w.t.Helper()
	execute(w.t, w.db, `UPDATE reservations AS r SET expires_at = c.now + (? + n * ?) * interval '1 microsecond'
		FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM reservations WHERE status = 'HELD') AS h,
			(SELECT clock_timestamp() AS now) AS c
		WHERE r.id = h.id`, start.Microseconds(), step.Microseconds())
}

func (w *sweepWorld) sweep(from time.Time, limit int) inventory.Swept {
	w.t.Helper()
	swept, err := w.servers[0].Sweep(w.t.Context(), from, limit)
	require.NoError(w.t, err)
	return swept
}

func (w *sweepWorld) heldCount() int {
	w.t.Helper()
	return count(w.t, w.db, "SELECT count(*) FROM reservations WHERE status = 'HELD'")
}

func (w *sweepWorld) status(id string) inventory.Status {
	w.t.Helper()
	var status inventory.Status
	require.NoError(w.t, w.db.NewRaw("SELECT status FROM reservations WHERE id = ?", id).Scan(w.t.Context(), &status))
	return status
}

// lock runs a statement in a transaction that stays open until the function is
// called that it returns.
func (w *sweepWorld) lock(statement string, args ...any) (unlock func()) {
	w.t.Helper()
	tx, err := w.db.Begin()
	require.NoError(w.t, err)
	unlock = sync.OnceFunc(func() { assert.NoError(w.t, tx.Rollback()) })
	w.t.Cleanup(unlock)
	_, err = tx.Exec(statement, args...)
	require.NoError(w.t, err)
	return unlock
}

// requireSound requires that everything adds up and that there was no deadlock.
// It closes the servers: a session counts its deadlocks at the latest when it
// ends.
func (w *sweepWorld) requireSound() {
	w.t.Helper()
	requireSound(w.t, w.db)
	for _, s := range w.servers {
		s.Repo.Close(w.t.Context())
		require.NoError(w.t, s.db.Close())
	}
	require.Eventually(w.t, func() bool {
		return count(w.t, w.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'") == w.db.Stats().OpenConnections
	}, patience, 10*time.Millisecond)
	require.Zero(w.t, count(w.t, w.db, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}

func TestSweepEndsHoldsThatAreDue(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	w.createSKU("A", 100)
	w.createSKU("B", 100)
	ids := w.hold(10, "A", "B")
	w.due(-time.Second, time.Millisecond)
	w.hold(1, "A")

	swept := w.sweep(fromTheBeginning, 100)
	assert.Equal(t, 10, swept.Ended)
	assert.False(t, swept.More)
	assert.ElementsMatch(t, ids, w.servers[0].announced)
	for _, id := range ids {
		assert.Equal(t, inventory.Expired, w.status(id))
		assert.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM audit_log WHERE reservation_id = ? AND action = 'EXPIRED' AND actor = 'system'", id), "one for each line")
	}
	assert.EqualValues(t, 99, level(t, w.db, "A", inventory.DefaultLocation).Available(), "one hold goes on")
	assert.EqualValues(t, 100, level(t, w.db, "B", inventory.DefaultLocation).Available())

	assert.Zero(t, w.sweep(fromTheBeginning, 100).Ended, "a second time there is nothing to do")
	w.requireSound()
}

func TestSweepThatFindsNothingIsOneQuery(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	swept := w.sweep(fromTheBeginning, 100)
	assert.False(t, swept.Due())
	assert.Zero(t, swept.Next)

	w.createSKU("A", 1)
	id := w.hold(1, "A")[0]
	before := w.servers[0].queries.Load()
	swept = w.sweep(fromTheBeginning, 100)
	assert.Equal(t, before+1, w.servers[0].queries.Load())
	assert.False(t, swept.Due())
	assert.Zero(t, swept.Ended)
	assert.WithinDuration(t, swept.Now.Add(15*time.Minute), swept.Next, 10*time.Second)
	assert.Equal(t, swept.Now, swept.Through)
	assert.Equal(t, inventory.Held, w.status(id), "its deadline is to come")

	swept = w.sweep(swept.Next.Add(time.Microsecond), 100)
	assert.Zero(t, swept.Next, "a sweep sees nothing before where it begins")
}

func TestSweepStopsAtItsLimitAndSaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	w.createSKU("A", 100)
	w.hold(25, "A")
	w.due(-time.Second, time.Millisecond)

	from := fromTheBeginning
	for _, want := range []int{10, 10, 5} {
		swept := w.sweep(from, 10)
		require.Equal(t, want, swept.Ended)
		require.Equal(t, want == 10, swept.More)
		from = swept.Through
	}
	swept := w.sweep(from, 10)
	assert.Zero(t, swept.Next, "all that were due have ended")
	w.requireSound()
}

func TestSweepOfManyLinesStopsBeforeItsLimit(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	var skus []string
	for i := range 100 {
		skus = append(skus, fmt.Sprintf("SKU-%02d", i))
		w.createSKU(skus[i], 1_000)
	}
	w.hold(50, skus...)
	w.due(-time.Minute, time.Second)
	first := w.sweep(fromTheBeginning, 1_000)
	assert.Equal(t, 40, first.Ended)
	assert.True(t, first.More)
	rest := w.sweep(first.Through, 1_000)
	assert.Equal(t, 10, rest.Ended)
	assert.False(t, rest.More)
	w.requireSound()
}

func TestTwoServersSweepingAtOnceEndEachHoldOnce(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 2)
	skus := []string{"A", "B", "C", "D"}
	for _, sku := range skus {
		w.createSKU(sku, 1_000)
	}
	var ids []string
	for i := range 10 {
		// The lines are in another order each time.
		ids = append(ids, w.hold(50, skus[i%4], skus[(i+3)%4], skus[(i+2)%4])...)
	}
	w.due(-time.Second, time.Millisecond)

	var sweepers sync.WaitGroup
	for _, s := range w.servers {
		sweepers.Go(func() {
			for {
				swept, err := s.Sweep(t.Context(), fromTheBeginning, 20)
				if !assert.NoError(t, err) || !swept.Due() {
					return
				}
			}
		})
	}
	sweepers.Wait()
	assert.ElementsMatch(t, ids, append(w.servers[0].announced, w.servers[1].announced...))
	assert.NotEmpty(t, w.servers[0].announced)
	assert.NotEmpty(t, w.servers[1].announced)
	assert.Equal(t, 1_500, count(t, w.db, "SELECT count(*) FROM audit_log WHERE action = 'EXPIRED'"))
	w.requireSound()
}

func TestSweepPassesOverALockedReservation(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	w.createSKU("A", 10)
	ids := w.hold(5, "A")
	w.due(-time.Second, time.Millisecond)
	unlock := w.lock("SELECT FROM reservations WHERE id = ? FOR NO KEY UPDATE", ids[2])

	swept := w.sweep(fromTheBeginning, 100)
	assert.Equal(t, 4, swept.Ended)
	assert.Equal(t, inventory.Held, w.status(ids[2]))
	assert.Zero(t, w.sweep(fromTheBeginning, 100).Ended)

	unlock()
	assert.Equal(t, 1, w.sweep(fromTheBeginning, 100).Ended)
	w.requireSound()
}

func TestLockedStockKeepsNoOtherHoldFromExpiring(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	for _, sku := range []string{"A", "LOCKED", "Z"} {
		w.createSKU(sku, 100)
	}
	w.hold(30, "LOCKED")
	w.hold(5, "A", "LOCKED")
	w.hold(5, "A")
	w.hold(5, "Z")
	w.due(-time.Second, time.Millisecond)
	unlock := w.lock("SELECT FROM stock_levels WHERE sku = 'LOCKED' FOR NO KEY UPDATE")

	swept := w.sweep(fromTheBeginning, 10)
	assert.Equal(t, 10, swept.Ended, "those on other stock, though they are last")
	assert.Equal(t, 35, w.heldCount())

	w.hold(5, "Z")
	w.due(-time.Second, time.Millisecond)
	began := time.Now()
	assert.Equal(t, 5, w.sweep(fromTheBeginning, 10).Ended)
	assert.Less(t, time.Since(began), 250*time.Millisecond, "what is known to be locked isn't waited for")

	unlock()
	require.Eventually(t, func() bool {
		return !w.sweep(fromTheBeginning, 100).Due()
	}, patience, 50*time.Millisecond, "what was locked expires once it is free")
	w.requireSound()
}

func TestStockWithDriftKeepsNoOtherHoldFromExpiring(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	w.createSKU("A", 10)
	w.createSKU("DRIFTED", 10)
	w.hold(5, "DRIFTED")
	w.hold(5, "A")
	w.due(-time.Second, time.Millisecond)
	execute(t, w.db, "UPDATE stock_levels SET reserved = 2 WHERE sku = 'DRIFTED'")

	assert.Equal(t, 5, w.sweep(fromTheBeginning, 100).Ended)
	assert.Equal(t, 5, w.heldCount())
	assert.Contains(t, w.servers[0].log.String(), "DRIFTED")
	assert.Zero(t, w.sweep(fromTheBeginning, 100).Ended)
}

func TestHoldHasOneWinnerAtItsDeadline(t *testing.T) {
	t.Parallel()
	const races = 1_000
	w := newSweepWorld(t, 2)
	skus := []string{"A", "B", "C"}
	for _, sku := range skus {
		w.createSKU(sku, races)
	}
	var ids []string
	for i := range 10 {
		ids = append(ids, w.hold(races/10, skus[i%3], skus[(i+1)%3])...)
	}

	// Two servers sweep without a pause.
	ctx, cancel := context.WithCancel(t.Context())
	var sweepers sync.WaitGroup
	var swept atomic.Int64
	for _, s := range w.servers {
		sweepers.Go(func() {
			for ctx.Err() == nil {
				one, err := s.Sweep(t.Context(), fromTheBeginning, 100)
				assert.NoError(t, err)
				swept.Add(int64(one.Ended))
			}
		})
	}

	// Each hold has a caller who converts it and one who releases it, on
	// different servers and under different strategies. They start when its
	// deadline is as near as their commands take, about.
	var (
		converted, released = make([]inventory.Outcome, races), make([]inventory.Outcome, races)
		strategies          = []inventory.Strategy{inventory.Optimistic, inventory.Pessimistic}
		taken               atomic.Int64
	)
	taken.Store(int64(10 * time.Millisecond))
	end := func(s *sweepServer, command inventory.Command, strategy inventory.Strategy) inventory.Outcome {
		began := time.Now()
		outcome, err := s.Do(t.Context(), command, &strategy)
		assert.NoError(t, err)
		taken.Store((7*taken.Load() + int64(time.Since(began))) / 8)
		return outcome
	}
	race := func(i int) {
		left := rand.Int64N(2 * taken.Load())
		execute(t, w.db, "UPDATE reservations SET expires_at = clock_timestamp() + ? * interval '1 microsecond' WHERE id = ?", left/1000, ids[i])
		var rivals sync.WaitGroup
		rivals.Go(func() {
			converted[i] = end(w.servers[i%2], inventory.ConvertHold{ReservationID: ids[i]}, strategies[i/2%2])
		})
		rivals.Go(func() {
			released[i] = end(w.servers[(i+1)%2], inventory.ReleaseHold{ReservationID: ids[i]}, strategies[i/4%2])
		})
		rivals.Wait()
	}
	var atOnce sync.WaitGroup
	var next atomic.Int64
	for range 12 {
		atOnce.Go(func() {
			for i := int(next.Add(1)) - 1; i < races; i = int(next.Add(1)) - 1 {
				race(i)
			}
		})
	}
	atOnce.Wait()
	cancel()
	sweepers.Wait()

	wins := map[inventory.Status]int{}
	for i, id := range ids {
		status := w.status(id)
		wins[status]++
		assert.Equal(t, status == inventory.Allocated, len(converted[i].Refused) == 0, "conversion of a hold that is %s", status)
		assert.Equal(t, status == inventory.Released, len(released[i].Refused) == 0, "release of a hold that is %s", status)
		for _, loser := range append(converted[i].Refused, released[i].Refused...) {
			if assert.Equal(t, inventory.InvalidState, loser.Code) {
				assert.Equal(t, status, loser.Reservation.Status, "losers are told what the winner made of it")
			}
		}
	}
	t.Log("winners:", wins, "expired by a sweep:", swept.Load())
	assert.NotZero(t, swept.Load())
	for _, status := range []inventory.Status{inventory.Allocated, inventory.Released, inventory.Expired} {
		assert.Greater(t, wins[status], races/50, "so few became %s that it was no race", status)
	}
	assert.Equal(t, wins[inventory.Expired], len(w.servers[0].announced)+len(w.servers[1].announced))
	assert.Equal(t, races, wins[inventory.Allocated]+wins[inventory.Released]+wins[inventory.Expired])
	w.requireSound()
}
