package feed_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// Whoever announces in whatever order, and whoever comes and goes meanwhile:
//
//  1. The versions of a SKU, of each of its levels and of a reservation that a
//     reader sees only rise, and no value comes twice.
//  2. A reader gets what it asked for and nothing else.
//  3. When all is announced, its last values are the stock's.
//  4. It is told that it is over once a reservation isn't held, and not before.
//  5. When all have left, nobody listens.

const (
	randomAnnouncers   = 8
	randomSteps        = 400 // of each announcer
	randomReaders      = 100
	randomReservations = 20
)

var (
	randomSKUs      = []string{"A", "B", "C", "D", "E"}
	randomLocations = []string{"annex", "default", "west"}
)

type randomHistory struct {
	*world
	readers sync.WaitGroup

	mu     sync.Mutex
	checks []func() // of what the readers that stayed have in the end
}

func TestRandomHistoriesEndWithTheLastStateForEveryReader(t *testing.T) {
	for range 5 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { runRandomHistory(t, w, seed) })
		})
	}
}

func runRandomHistory(t *testing.T, w *world, seed uint64) {
	h := &randomHistory{world: w}
	w.afterRead = runtime.Gosched
	for i, sku := range randomSKUs {
		w.add(sku, randomLocations[:i%len(randomLocations)]...)
	}
	for i := range randomReservations {
		w.commitReservation(held(randomReservation(i), 1))
	}

	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var announcers sync.WaitGroup
	for i := range uint64(randomAnnouncers) {
		announcers.Go(func() { h.announceAtRandom(rand.New(rand.NewPCG(seed, i))) })
	}
	for i := range uint64(randomReaders) {
		h.readers.Go(func() { h.readAtRandom(ctx, rand.New(rand.NewPCG(seed, randomAnnouncers+i))) })
	}
	announcers.Wait()
	synctest.Wait() // the readers have all there is

	require.NotEmpty(t, h.checks)
	for _, check := range h.checks {
		check()
	}
	leave()
	h.readers.Wait()
}

func randomReservation(i int) string {
	return fmt.Sprintf("0195f1a0-0000-7000-8000-%012d", i)
}

// announceAtRandom commits changes and tells of them later, in another order.
func (h *randomHistory) announceAtRandom(r *rand.Rand) {
	var untold inventory.Changes
	for range randomSteps {
		if r.IntN(3) > 0 {
			after := h.commit(pick(r, randomSKUs), pick(r, randomLocations))
			untold.Levels = append(untold.Levels, inventory.LevelChange{After: after})
		} else if after, moved := h.moveAtRandom(r); moved {
			untold.Moved = append(untold.Moved, inventory.ReservationMove{After: after})
		}
		if r.IntN(4) == 0 {
			h.tell(r, &untold)
		}
	}
	h.tell(r, &untold)
}

func (h *randomHistory) tell(r *rand.Rand, untold *inventory.Changes) {
	r.Shuffle(len(untold.Levels), func(i, j int) {
		untold.Levels[i], untold.Levels[j] = untold.Levels[j], untold.Levels[i]
	})
	r.Shuffle(len(untold.Moved), func(i, j int) {
		untold.Moved[i], untold.Moved[j] = untold.Moved[j], untold.Moved[i]
	})
	runtime.Gosched()
	h.Announce(*untold)
	*untold = inventory.Changes{}
}

// moveAtRandom extends a reservation, and now and then ends it.
func (h *randomHistory) moveAtRandom(r *rand.Rand) (inventory.Reservation, bool) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	before := h.reservations[randomReservation(r.IntN(randomReservations))]
	after := held(before.ID, before.Revision+1)
	switch {
	case before.Status == inventory.Allocated:
		after = in(inventory.Fulfilled, before)
	case before.Status != inventory.Held:
		return before, false
	case r.IntN(30) == 0:
		after = in(pick(r, []inventory.Status{inventory.Allocated, inventory.Released, inventory.Expired}), before)
	}
	h.reservations[after.ID] = after
	return after, true
}

func (h *randomHistory) readAtRandom(ctx context.Context, r *rand.Rand) {
	for range r.IntN(100) {
		runtime.Gosched()
	}
	values := -1 // how many it reads before it leaves: all
	if r.IntN(3) == 0 {
		values = r.IntN(20)
	}
	if r.IntN(2) == 0 {
		h.readStock(ctx, r, values)
	} else {
		h.readReservation(ctx, r, values)
	}
}

func (h *randomHistory) readStock(ctx context.Context, r *rand.Rand, values int) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	skus := make([]string, 1+r.IntN(len(randomSKUs)))
	for i := range skus {
		skus[i] = pick(r, randomSKUs)
	}
	var location *string
	if r.IntN(2) == 0 {
		location = new(pick(r, randomLocations))
	}
	changes, err := h.Feed.Availability(ctx, skus, location)
	if !assert.NoError(h.t, err) {
		return
	}
	last := map[string]*inventory.Availability{}
	if values < 0 {
		h.inTheEnd(func() {
			for _, sku := range skus {
				require.Equal(h.t, h.stock(sku, location), last[sku])
			}
		})
	}
	for value := range changes {
		assert.Contains(h.t, skus, value.SKU)
		if before := last[value.SKU]; before != nil {
			assert.Less(h.t, before.Version(), value.Version())
			for _, level := range before.Locations {
				assert.LessOrEqual(h.t, level.Version, levelAt(value, level.Location).Version)
			}
		}
		last[value.SKU] = value
		if values--; values == 0 {
			leave()
		}
		dawdle(r)
	}
	assert.Error(h.t, ctx.Err(), "closed while the reader was there")
}

func (h *randomHistory) readReservation(ctx context.Context, r *rand.Rand, values int) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	id := randomReservation(r.IntN(randomReservations))
	changes, err := h.Reservation(ctx, id)
	if !assert.NoError(h.t, err) {
		return
	}
	var last inventory.Reservation
	var over bool
	if values < 0 {
		h.inTheEnd(func() {
			if stored := h.reservations[id]; over { // it may be fulfilled since
				require.NotEqual(h.t, inventory.Held, stored.Status)
			} else {
				require.Equal(h.t, stored, last)
			}
		})
	}
	for value := range changes {
		assert.Equal(h.t, id, value.ID)
		assert.Less(h.t, last.Revision, value.Revision)
		last = *value
		if values--; values == 0 {
			leave()
		}
		dawdle(r)
	}
	over = last.Status != inventory.Held
	assert.True(h.t, over || ctx.Err() != nil, "closed while held and the reader was there")
}

// inTheEnd has the check run when everything is announced and delivered.
func (h *randomHistory) inTheEnd(check func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check)
}

// dawdle makes a reader slow at times.
func dawdle(r *rand.Rand) {
	if r.IntN(4) == 0 {
		for range r.IntN(20) {
			runtime.Gosched()
		}
	}
}

func levelAt(value *inventory.Availability, location string) inventory.StockLevel {
	for _, level := range value.Locations {
		if level.Location == location {
			return level
		}
	}
	return inventory.StockLevel{}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
