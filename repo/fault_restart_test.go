package repo_test

import (
	"context"
	"errors"
	"fmt"
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

// PostgreSQL goes away under load and comes back. Callers need do nothing.

func TestLoadSurvivesRestartsOfPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	db := cluster.Open()
	r := newRepo(t, db)
	skus := []string{"A", "B", "C", "D"}
	for _, sku := range skus {
		createSKU(t, r, sku, 1_000_000)
	}
	load := startLoad(t, r, skus)
	load.awaitMore(200)
	for _, goAway := range []func(){cluster.Stop, cluster.Kill9} {
		fillPool(t, db)
		goAway()
		cluster.Start()
		back := time.Now()
		load.awaitMore(1)
		assert.Less(t, time.Since(back), patience/2, "it took long to notice that PostgreSQL was back")
		load.awaitMore(200)
	}
	load.stop()

	load.requireTrue(db)
	requireSound(t, db)
}

// A pool full of connections that the server has ended fails nobody.
func TestConnectionsThatPostgreSQLEndedAreNotUsed(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	watch, db := openPool(t, url), openPool(t, url)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	endAll := func() {
		fillPool(t, db)
		const others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		execute(t, watch, "SELECT pg_terminate_backend(pid) "+others)
		require.Eventually(t, func() bool { return count(t, watch, "SELECT count(*) "+others) == 0 }, patience, time.Millisecond)
	}
	endAll()
	require.Empty(t, awaitWithin(t, patience/3, start(t.Context(), r, oneOf("A", "t"))).Refused)
	endAll()
	for range 2 * db.Stats().MaxOpenConnections {
		_, err := r.Availability(t.Context(), []string{"A"}, nil)
		require.NoError(t, err)
	}
}

// fillPool opens as many connections as the pool keeps, of which each is to be
// found dead.
func fillPool(t *testing.T, db *bun.DB) {
	t.Helper()
	var readers sync.WaitGroup
	for range db.Stats().MaxOpenConnections {
		readers.Go(func() {
			_, err := db.ExecContext(t.Context(), "SELECT pg_sleep(0.1)")
			assert.NoError(t, err)
		})
	}
	readers.Wait()
}

// load is many callers, and what they were told.
type load struct {
	t       *testing.T
	repo    *repo.Repo
	over    context.CancelFunc
	callers sync.WaitGroup
	done    atomic.Int64
	// more is signalled as holds are done.
	more chan struct{}

	mu      sync.Mutex
	answers map[string]answer // by client token
	ended   map[string]inventory.Status
}

func startLoad(t *testing.T, r *repo.Repo, skus []string) *load {
	ctx, over := context.WithCancel(t.Context())
	l := &load{t: t, repo: r, over: over, more: make(chan struct{}, 1),
		answers: map[string]answer{}, ended: map[string]inventory.Status{}}
	for caller := range 32 {
		l.callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.call(fmt.Sprintf("%d/%d", caller, n), inventory.Strategies[caller%2], skus)
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// call makes a hold and ends every other one.
func (l *load) call(token string, strategy inventory.Strategy, skus []string) {
	command := oneOf(skus[rand.N(len(skus))], token)
	began := time.Now()
	outcome, err := l.repo.Do(context.Background(), command, &strategy)
	assert.Less(l.t, time.Since(began), 36*time.Second)
	told := answer{outcome, err}
	l.mu.Lock()
	l.answers[token] = told
	l.mu.Unlock()
	if !told.wasDone() {
		return
	}
	assert.False(l.t, told.Replayed)
	if rand.N(2) == 0 {
		ending, err := l.repo.Do(context.Background(), inventory.ReleaseHold{ReservationID: outcome.Reservation.ID}, &strategy)
		if (answer{ending, err}).wasDone() {
			assert.False(l.t, ending.Replayed)
			l.mu.Lock()
			l.ended[outcome.Reservation.ID] = inventory.Released
			l.mu.Unlock()
		}
	}
	l.done.Add(1)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *load) awaitMore(holds int64) {
	l.t.Helper()
	for until := l.done.Load() + holds; l.done.Load() < until; {
		await(l.t, l.more)
	}
}

func (l *load) stop() {
	l.over()
	l.callers.Wait()
}

// requireTrue compares what callers were told with what the database has.
func (l *load) requireTrue(db *bun.DB) {
	l.t.Helper()
	var rows []struct {
		ID          string
		ClientToken string
		Status      inventory.Status
	}
	require.NoError(l.t, db.NewRaw("SELECT id, client_token, status FROM reservations").Scan(l.t.Context(), &rows))
	made := map[string]string{}
	for _, row := range rows {
		made[row.ClientToken] = row.ID
		if ended, ok := l.ended[row.ID]; ok {
			assert.Equal(l.t, ended, row.Status)
		}
	}
	for token, told := range l.answers {
		switch {
		case told.wasDone():
			assert.Equal(l.t, told.Reservation.ID, made[token], "it was acknowledged")
		case errors.Is(told.err, repo.ErrUnknownOutcome):
		default:
			assert.Empty(l.t, made[token], "the answer was %+v", told)
		}
		delete(made, token)
	}
	assert.Empty(l.t, made, "nobody asked for these")
}

func TestSessionThatAnAdministratorEndsIsRunAgain(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		for i, c := range faultCommands {
			command := c.prepare(w, w.newSKU(i))
			before := w.entries()
			ended := w.proxy.next(isSave, func(x *exchange) {
				n := count(t, w.db, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
					WHERE datname = current_database() AND state = 'idle in transaction'`)
				assert.Equal(t, 1, n)
				x.pass()
			})
			first := w.do(w.repo, command)
			await(t, ended)
			w.requireOneEffect(c.name, command, first, c.entries, before)
		}
	})
}
