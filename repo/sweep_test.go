package repo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

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
		assert.Equal(t, inventory.Expired, w.statuses()[id])
		assert.Equal(t, 2, count(t, w.db, "SELECT count(*) FROM audit_log WHERE reservation_id = ? AND action = 'EXPIRED' AND actor = 'system'", id), "one for each line")
	}
	assert.EqualValues(t, 99, level(t, w.db, "A", inventory.DefaultLocation).Available(), "one hold goes on")
	assert.EqualValues(t, 100, level(t, w.db, "B", inventory.DefaultLocation).Available())

	assert.Zero(t, w.sweep(fromTheBeginning, 100).Ended, "a second time there is nothing to do")
	w.requireSound()
}

func TestSweepThatFindsNothingIsOneQueryAndARollback(t *testing.T) {
	t.Parallel()
	w := newSweepWorld(t, 1)
	swept := w.sweep(fromTheBeginning, 100)
	assert.False(t, swept.Due())
	assert.Zero(t, swept.Next)

	w.createSKU("A", 1)
	id := w.hold(1, "A")[0]
	before := w.servers[0].queries.Load()
	swept = w.sweep(fromTheBeginning, 100)
	assert.Equal(t, before+2, w.servers[0].queries.Load())
	assert.False(t, swept.Due())
	assert.Zero(t, swept.Ended)
	held, err := w.servers[0].ReservationByID(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, *held.ExpiresAt, swept.Next)
	assert.Equal(t, swept.Now, swept.Through)
	assert.Equal(t, inventory.Held, w.statuses()[id], "its deadline is to come")

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
				swept, err := s.Sweep(t.Context(), fromTheBeginning, 5)
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
	assert.Equal(t, inventory.Held, w.statuses()[ids[2]])
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
	w.hold(10, "A")
	w.hold(5, "Z")
	w.due(-time.Second, time.Millisecond)
	unlock := w.lock("SELECT FROM stock_levels WHERE sku = 'LOCKED' FOR NO KEY UPDATE")

	assert.Equal(t, 10, w.sweep(fromTheBeginning, 10).Ended, "those on other stock, though they are last")
	before := w.servers[0].queries.Load()
	assert.Equal(t, 5, w.sweep(fromTheBeginning, 10).Ended)
	assert.EqualValues(t, 2, w.servers[0].queries.Load()-before, "what is known to be locked isn't tried again at once")
	assert.Equal(t, 35, w.heldCount())

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
