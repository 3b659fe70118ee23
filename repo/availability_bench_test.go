package repo_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// BenchmarkAvailability is what readers get beside each other, on a pool of the
// server's size. To compare, run the two sides in turn on an idle machine.
func BenchmarkAvailability(b *testing.B) {
	const stocked = 1000
	db, err := database.Open(pgtest.URL(b), 24)
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	r := newRepo(b, db)
	execute(b, db, "INSERT INTO skus (sku, name, command_id, created_at) SELECT 'SKU-' || n, 'n', gen_random_uuid(), now() FROM generate_series(0, ?) AS n", stocked-1)
	execute(b, db, "INSERT INTO stock_levels SELECT 'SKU-' || n, 'default', 10, 1, 1, 1, now() FROM generate_series(0, ?) AS n", stocked-1)
	execute(b, db, "ANALYZE")
	codes := make([]string, 2*stocked)
	for i := range codes {
		codes[i] = fmt.Sprint("SKU-", i%stocked)
	}

	for _, skus := range []int{1, 50} {
		for _, callers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("skus=%d/callers=%d", skus, callers), func(b *testing.B) {
				b.ReportAllocs()
				var begun atomic.Int64
				var readers sync.WaitGroup
				for caller := range callers {
					readers.Go(func() {
						for from := 37 * caller; begun.Add(1) <= int64(b.N); from += 101 {
							from %= stocked
							answer, err := r.Availability(b.Context(), codes[from:from+skus], nil)
							if err != nil || answer[skus-1] == nil {
								b.Error(answer, err)
							}
						}
					})
				}
				readers.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
			})
		}
	}
}
