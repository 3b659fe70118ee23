package repo_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"holdfast/internal/inventory"
)

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
	statuses := w.statuses()
	for i, id := range ids {
		status := statuses[id]
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
