package repo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

func skuNumber(n int) string { return fmt.Sprintf("SKU-%04d", n) }

// stormDrifts are corruptions of the level of one SKU. Those that make more seem
// available than there is are of stock that is never sold out: what is sold on
// such a level in the meantime is sold twice, and no repair can help that.
var stormDrifts = []struct {
	do       string
	inflates bool
}{
	{"UPDATE stock_levels SET reserved = reserved + 3 WHERE sku = ?", false},
	{"UPDATE stock_levels SET reserved = reserved - 3 WHERE sku = ?", true},
	{"UPDATE stock_levels SET allocated = allocated + 3 WHERE sku = ?", false},
	{"UPDATE stock_levels SET allocated = allocated - 3 WHERE sku = ?", true},
	{"UPDATE stock_levels SET total = total - 2 WHERE sku = ?", false},
	{"UPDATE stock_levels SET total = total + 3 WHERE sku = ?", true},
	{"UPDATE stock_levels SET total = total - 1, reserved = reserved + 2, allocated = allocated + 1 WHERE sku = ?", false},
	// The level and the entry that it was left with.
	{`WITH l AS (UPDATE stock_levels SET reserved = reserved + 3 WHERE sku = ? RETURNING *)
		UPDATE audit_log AS e SET reserved = e.reserved + 3 FROM l WHERE (e.sku, e.location, e.version) = (l.sku, l.location, l.version)`, false},
}

// While two servers sell and both repair, corruption comes at any moment. All of
// it is found and repaired once, nothing else is named, and nothing is sold twice.
func TestDriftIsFoundAndRepairedWhileTwoServersSell(t *testing.T) {
	t.Parallel()
	const (
		skus, ofEach, buyers = 1000, 20, 16
		scarce, plenty       = 6, 10_000
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	// An optimistic save writes over what changed without a new version, so that
	// some corruption would be gone before it is found.
	s := newServers(t, []inventory.Strategy{inventory.Pessimistic})
	execute(t, s.db, "ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_no_oversell")

	// The first SKUs are those to be corrupted.
	corrupted := len(stormDrifts) * ofEach
	stock := func(n int) int64 {
		if n < corrupted && stormDrifts[n%len(stormDrifts)].inflates {
			return plenty
		}
		return scarce
	}
	together(t, s.repos[0], skus, func(n int) inventory.Command {
		return inventory.CreateSKU{SKU: skuNumber(n), Name: "one of many", InitialStock: new(stock(n))}
	})
	victims := make(chan int, corrupted)
	for _, n := range rand.New(rand.NewPCG(seed, 0)).Perm(corrupted) {
		victims <- n
	}

	ctx, stop := context.WithCancel(t.Context())
	var seeded atomic.Int64
	var sold sync.WaitGroup
	for buyer := range buyers {
		sold.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(buyer)+1))
			for n := 0; ctx.Err() == nil; n++ {
				if rng.IntN(12) == 0 {
					select {
					case victim := <-victims:
						execute(t, s.db, stormDrifts[victim%len(stormDrifts)].do, skuNumber(victim))
						seeded.Add(1)
					default:
					}
				}
				lines := []inventory.LineRequest{line(skuNumber(rng.IntN(corrupted)), 1)}
				if rng.IntN(2) == 0 {
					lines = append(lines, line(skuNumber(corrupted+rng.IntN(skus-corrupted)), 1))
				}
				made := s.do(buyer, inventory.CreateHold{ClientToken: fmt.Sprintf("%d/%d", buyer, n), Lines: lines})
				switch {
				case made.Reservation == nil:
				case rng.IntN(8) == 0:
					s.do(buyer, inventory.ConvertHold{ReservationID: made.Reservation.ID})
				case rng.IntN(8) > 0:
					s.do(buyer, inventory.ReleaseHold{ReservationID: made.Reservation.ID})
				}
			}
		})
	}

	var mu sync.Mutex
	named, repaired := map[string]bool{}, 0
	var repairers sync.WaitGroup
	for _, r := range s.repos {
		repairers.Go(func() {
			for last := false; !last && !t.Failed(); {
				last = seeded.Load() == int64(corrupted)
				run := reconcile(t, r, true)
				mu.Lock()
				repaired += int(run.Repaired)
				for _, i := range run.Issues {
					named[*i.SKU] = true
				}
				mu.Unlock()
			}
		})
	}
	repairers.Wait()
	stop()
	sold.Wait()
	require.False(t, t.Failed())

	for n := range skus {
		assert.Equal(t, n < corrupted, named[skuNumber(n)], skuNumber(n))
		assert.Equal(t, stock(n), level(t, s.db, skuNumber(n), "default").Total, skuNumber(n))
	}
	assert.Equal(t, corrupted, repaired)
	assert.Equal(t, corrupted, count(t, s.db, "SELECT count(DISTINCT sku) FROM audit_log WHERE action = 'REPAIRED'"))
	assert.Equal(t, corrupted, count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED'"))
	baked := count(t, s.db, "SELECT count(*) FROM audit_log WHERE action = 'REPAIRED' AND (total_delta, reserved_delta, allocated_delta) <> (0, 0, 0)")
	t.Logf("%d of %d corruptions were in the log already; %d reservations", baked, corrupted, count(t, s.db, "SELECT count(*) FROM reservations"))
	assert.Positive(t, baked)
	assert.Less(t, baked, corrupted)

	assert.Zero(t, count(t, s.db, `SELECT count(*) FROM (
		SELECT sku, sum(quantity) AS units FROM reservation_lines JOIN reservations ON id = reservation_id
		WHERE status IN ('HELD', 'ALLOCATED') GROUP BY sku) AS sold JOIN stock_levels USING (sku) WHERE units > total`))
	requireSound(t, s.db)
	requireConsistent(t, s.repos[0])
	execute(t, s.db, "ALTER TABLE stock_levels ADD CONSTRAINT stock_levels_no_oversell CHECK (reserved >= 0 AND allocated >= 0 AND reserved + allocated <= total)")
	s.db.SetMaxIdleConns(1) // many corrupted at once
	s.requireNoDeadlock()
}
