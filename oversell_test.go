package main

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// strategies are tried each by itself, and mixed.
var strategies = map[string][]string{
	"Optimistic":  {"OPTIMISTIC"},
	"Pessimistic": {"PESSIMISTIC"},
	"Mixed":       {"OPTIMISTIC", "PESSIMISTIC"},
}

func TestTwoServersSellEachUnitOnce(t *testing.T) {
	t.Parallel()
	const buyers, units = 300, 100
	for name, mix := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := twoServers(t, pgtest.URL(t))
			servers[0].createSKU("LAST-UNITS", units)

			outcomes := map[string]int{}
			each(buyers, func(i int) string {
				return servers[i%2].mutate("createHold", map[string]any{
					"clientToken": fmt.Sprint("buyer-", i),
					"lines":       []any{map[string]any{"sku": "LAST-UNITS", "quantity": 1}},
					"strategy":    mix[i/2%len(mix)],
				}).codes()
			}, outcomes)

			require.Equal(t, map[string]int{"": units, "INSUFFICIENT_STOCK": buyers - units}, outcomes)
			servers[1].requireConsistent()
		})
	}
}

func TestBatchesInOppositeOrdersDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const batches, lines = 600, 10
	for name, mix := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			// Sooner than the servers' lock timeout, which would hide a deadlock.
			execute(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 20', current_database()); END $$`)
			servers := twoServers(t, url)
			forth := make([]any, lines)
			for i := range forth {
				sku := fmt.Sprint("SKU-", i)
				servers[0].createSKU(sku, batches)
				forth[i] = map[string]any{"sku": sku, "quantity": 1}
			}
			back := slices.Clone(forth)
			slices.Reverse(back)

			outcomes := map[string]int{}
			each(batches, func(i int) string {
				asked := forth
				if i%4 >= 2 {
					asked = back
				}
				return servers[i%2].mutate("createHold", map[string]any{
					"clientToken": fmt.Sprint("cart-", i), "lines": asked, "strategy": mix[i%len(mix)],
				}).codes()
			}, outcomes)

			require.Equal(t, map[string]int{"": batches}, outcomes)
			servers[1].requireConsistent()
			// Sessions report what they met when they end.
			require.NoError(t, servers[0].wait())
			require.NoError(t, servers[1].wait())
			require.Zero(t, deadlocks(t, url))
		})
	}
}

func twoServers(t *testing.T, url string) []*server {
	return []*server{startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)}
}

// each runs do n times at once, and counts what it answers.
func each(n int, do func(i int) string, counts map[string]int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			outcome := do(i)
			mu.Lock()
			counts[outcome]++
			mu.Unlock()
		})
	}
	all.Wait()
}

func deadlocks(t *testing.T, url string) (n int) {
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.NewRaw("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(t.Context(), &n))
	return n
}
