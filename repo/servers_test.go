package repo_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// servers are two repositories, each with a pool of its own, on one database.
type servers struct {
	*testing.T
	db         *bun.DB
	repos      [2]*repo.Repo
	pools      [2]*bun.DB
	strategies []inventory.Strategy
}

func newServers(t *testing.T, strategies []inventory.Strategy) *servers {
	t.Helper()
	return newServersOn(t, pgtest.URL(t), strategies)
}

func newServersOn(t *testing.T, url string, strategies []inventory.Strategy) *servers {
	t.Helper()
	s := &servers{T: t, db: openPool(t, url), strategies: strategies}
	// Sessions look for a deadlock after that long. By default it is as long as
	// a group waits for a lock, and so few would ever be seen.
	var name string
	require.NoError(t, s.db.NewRaw("SELECT current_database()").Scan(t.Context(), &name))
	execute(t, s.db, "ALTER DATABASE ? SET deadlock_timeout = '10ms'", bun.Ident(name))
	for i := range s.repos {
		s.pools[i] = openPool(t, url)
		s.repos[i] = newRepo(t, s.pools[i])
	}
	return s
}

// callers calls as many at once, and returns once all have.
func (s *servers) callers(count int, call func(caller int)) {
	s.Helper()
	var all sync.WaitGroup
	for caller := range count {
		all.Go(func() { call(caller) })
	}
	all.Wait()
	if s.Failed() {
		s.FailNow()
	}
}

// do runs the command by the server and the strategy that are the caller's.
func (s *servers) do(caller int, command inventory.Command) inventory.Outcome {
	strategy := s.strategies[caller/2%len(s.strategies)]
	outcome, err := s.repos[caller%2].Do(s.Context(), command, &strategy)
	assert.NoError(s, err)
	for _, refusal := range outcome.Refused {
		assert.NotEqual(s, inventory.Contended, refusal.Code)
	}
	return outcome
}

// requireNoDeadlock ends the servers' sessions, which then report what they
// met, and asks PostgreSQL.
func (s *servers) requireNoDeadlock() {
	s.Helper()
	for i, r := range s.repos {
		r.Close(s.Context())
		require.NoError(s, s.pools[i].Close())
	}
	require.Eventually(s, func() bool {
		return count(s, s.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == 0
	}, patience, 10*time.Millisecond)
	require.Equal(s, 0, count(s, s.db, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}

// together runs so many commands of one repository at once and answers their
// outcomes.
func together(t testing.TB, r *repo.Repo, callers int, command func(caller int) inventory.Command) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var err error
			outcomes[i], err = r.Do(t.Context(), command(i), nil)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	return outcomes
}
