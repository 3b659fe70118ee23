package repo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// After all sorts of trouble nothing is left: no goroutine, no connection in
// use, no transaction open. It runs by itself, for it counts goroutines.
func TestTroubleLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("trouble", func(t *testing.T) {
		w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) {
			o.LockTimeout, o.RequestTimeout = 100*time.Millisecond, time.Second
		})
		pool := openPool(t, w.proxy.url)
		r := newRepo(t, pool, func(o *repo.Options) {
			o.LockTimeout, o.RequestTimeout = 100*time.Millisecond, time.Second
		})
		bad := poison(w)
		bad.Lines[0].SKU = "B"
		end := w.keepOpen(lockLevelA)
		var callers sync.WaitGroup
		for i := range 6 {
			w.proxy.next(isSave, harms[i%len(harms)].harm)
			w.proxy.next(isLoad, (*exchange).hangUp)
			callers.Go(func() {
				strategy := inventory.Strategies[i%2]
				for n, sku := range []string{"A", "B", "C"} {
					_, _ = r.Do(t.Context(), oneOf(sku, fmt.Sprint(i, "/", n)), &strategy)
				}
				_, err := r.Do(t.Context(), bad, &strategy)
				assert.Error(t, err)
			})
		}
		callers.Wait()
		end("ROLLBACK")

		ctx := t.Context()
		r.Close(ctx)
		assert.Zero(t, pool.Stats().InUse)
		require.Eventually(t, func() bool {
			return count(t, w.db, `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`) == 0
		}, patience, 10*time.Millisecond)
		requireSound(t, w.db)
	})
	goleak.VerifyNone(t, before)
}
