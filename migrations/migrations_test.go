package migrations_test

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
	"holdfast/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestSeveralServersMigrateAtOnceAndOneDoesIt(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, err := db.ExecContext(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
	require.NoError(t, err)
	pending, err := migrations.Pending(t.Context(), db)
	require.NoError(t, err)
	require.NotEmpty(t, pending)

	var mu sync.Mutex
	var applied []string
	var servers sync.WaitGroup
	for range 6 {
		servers.Go(func() {
			names, err := migrations.Apply(t.Context(), db)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			applied = append(applied, names...)
		})
	}
	servers.Wait()
	require.Equal(t, pending, applied)
	pending, err = migrations.Pending(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, pending)
}
