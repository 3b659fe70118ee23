package repo_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// Many callers of two servers on one database, by each strategy and by both at
// once. By the defaults nobody is told that others were faster.

var mixes = map[string][]inventory.Strategy{
	"OPTIMISTIC":  {inventory.Optimistic},
	"PESSIMISTIC": {inventory.Pessimistic},
	"MIXED":       inventory.Strategies,
}

func TestHundredUnitsAreHeldHundredTimes(t *testing.T) {
	t.Parallel()
	for name, strategies := range mixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServers(t, strategies)
			createSKU(t, s.repos[0], "HOT", 100)
			var holds atomic.Int64
			s.callers(64, func(caller int) {
				for n := 0; ; n++ {
					outcome := s.do(caller, inventory.CreateHold{
						ClientToken: fmt.Sprintf("%d/%d", caller, n), Lines: []inventory.LineRequest{line("HOT", 1)},
					})
					if len(outcome.Refused) > 0 {
						assert.Equal(t, inventory.InsufficientStock, outcome.Refused[0].Code)
						return
					}
					holds.Add(1)
				}
			})
			require.EqualValues(t, 100, holds.Load())
			l := level(t, s.db, "HOT", "default")
			require.Equal(t, [3]int64{100, 100, 0}, [3]int64{l.Total, l.Reserved, l.Allocated})
			requireSound(t, s.db)
			s.requireNoDeadlock()
		})
	}
}

func TestBatchesInOppositeOrdersNeverDeadlock(t *testing.T) {
	t.Parallel()
	const (
		batches = 600
		callers = 48
		// scarce is the stock of one SKU among plenty.
		scarce = 400
	)
	s := newServers(t, inventory.Strategies)
	var asked []inventory.LineRequest
	for i := range 10 {
		sku := fmt.Sprintf("S%d", i)
		createSKU(t, s.repos[0], sku, batches)
		asked = append(asked, line(sku, 1))
	}
	done(t, s.repos[0], inventory.AdjustStock{ClientToken: "scarce", SKU: "S4", Delta: scarce - batches, Reason: "LOST"})

	var held, converted atomic.Int64
	s.callers(callers, func(caller int) {
		for n := caller; n < batches; n += callers {
			lines := slices.Clone(asked)
			if n/callers%2 == 0 {
				slices.Reverse(lines)
			}
			if n%3 == 0 {
				for i := range lines {
					lines[i].Location = new("default")
				}
			}
			outcome := s.do(caller, inventory.CreateHold{ClientToken: fmt.Sprint(n), Lines: lines})
			if len(outcome.Refused) > 0 {
				assert.Len(t, outcome.Refused, 1)
				assert.Equal(t, "S4", outcome.Refused[0].SKU)
				continue
			}
			held.Add(1)
			assert.Len(t, outcome.Reservation.Lines, 10)
			if n%5 == 0 {
				assert.Empty(t, s.do(caller+1, inventory.ConvertHold{ReservationID: outcome.Reservation.ID}).Refused)
				converted.Add(1)
			}
		}
	})
	require.EqualValues(t, scarce, held.Load())
	for i := range 10 {
		l := level(t, s.db, fmt.Sprintf("S%d", i), "default")
		require.Equal(t, [2]int64{scarce - converted.Load(), converted.Load()}, [2]int64{l.Reserved, l.Allocated})
	}
	requireSound(t, s.db)
	s.requireNoDeadlock()
}

func TestCommandsOfEveryKindNeverDeadlock(t *testing.T) {
	t.Parallel()
	const (
		callers = 24
		// It goes on until there was this much of each.
		commandsMin = 1500
		expiredMin  = 25
	)
	s := newServers(t, inventory.Strategies)
	createLocations(t, s.db, "annex", "west")
	skus := []string{"A", "B", "C", "D", "E", "F"}
	for _, sku := range skus {
		createSKU(t, s.repos[0], sku, 50)
		done(t, s.repos[0], inventory.AdjustStock{ClientToken: sku, SKU: sku, Location: new("annex"), Delta: 20, Reason: "FOUND"})
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var commands, expired atomic.Int64
	over := func() bool {
		return t.Context().Err() != nil || t.Failed() || commands.Load() >= commandsMin && expired.Load() >= expiredMin
	}

	var sweepers sync.WaitGroup
	for _, r := range s.repos {
		sweepers.Go(func() {
			for sweeper := repo.NewSweeper(r); !over(); {
				swept, err := sweeper.Sweep(t.Context(), time.Time{}, 10)
				assert.NoError(t, err)
				expired.Add(int64(swept.Ended))
			}
		})
	}
	s.callers(callers, func(caller int) {
		random := rand.New(rand.NewPCG(seed, uint64(caller)))
		var mine []string
		for n := 0; !over(); n++ {
			commands.Add(1)
			command := anyOf(random, fmt.Sprintf("%d/%d", caller, n), skus, mine)
			if r := s.do(random.IntN(4), command).Reservation; r != nil {
				mine = append(mine, r.ID)
			}
		}
	})
	sweepers.Wait()
	requireSound(t, s.db)
	s.requireNoDeadlock()
}

// anyOf is a command on some of the SKUs, in any order, or on one of the
// caller's last reservations.
func anyOf(random *rand.Rand, token string, skus, reservations []string) inventory.Command {
	switch n := random.IntN(10); {
	case n < 5 || len(reservations) == 0:
		var lines []inventory.LineRequest
		for _, i := range random.Perm(len(skus))[:1+random.IntN(4)] {
			lines = append(lines, line(skus[i], 1+random.Int32N(3)))
		}
		return inventory.CreateHold{ClientToken: token, Lines: lines, TTLSeconds: new(1 + random.Int32N(2))}
	case n < 6:
		return inventory.AdjustStock{
			ClientToken: token, SKU: pick(random, skus...), Location: pick(random, nil, new("annex"), new("west")),
			Delta: pick[int64](random, 3, -3), Reason: "CORRECTION",
		}
	default:
		id := pick(random, reservations[max(0, len(reservations)-5):]...)
		return pick[inventory.Command](random, inventory.ReleaseHold{ReservationID: id}, inventory.ReleaseHold{ReservationID: id},
			inventory.ConvertHold{ReservationID: id}, inventory.ExtendHold{ReservationID: id, TTLSeconds: 3})
	}
}

func TestOneTokenOfHundredCallersIsOneReservation(t *testing.T) {
	t.Parallel()
	const callers = 100
	for name, strategies := range mixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServers(t, strategies)
			// One unit: a second effect would be refused, not only be wrong.
			createSKU(t, s.repos[0], "A", 1)
			var first, replayed atomic.Int64
			var ids sync.Map
			s.callers(callers, func(caller int) {
				outcome := s.do(caller, inventory.CreateHold{ClientToken: "t", Lines: []inventory.LineRequest{line("A", 1)}})
				if !assert.Empty(t, outcome.Refused) {
					return
				}
				ids.Store(outcome.Reservation.ID, true)
				if outcome.Replayed {
					replayed.Add(1)
				} else {
					first.Add(1)
				}
			})
			require.EqualValues(t, 1, first.Load())
			require.EqualValues(t, callers-1, replayed.Load())
			var distinct int
			ids.Range(func(any, any) bool { distinct++; return true })
			require.Equal(t, 1, distinct)
			require.Equal(t, 1, count(t, s.db, "SELECT count(*) FROM reservations"))
			requireSound(t, s.db)
			s.requireNoDeadlock()
		})
	}
}

func TestOneHoldHasOneEnding(t *testing.T) {
	t.Parallel()
	s := newServers(t, inventory.Strategies)
	createSKU(t, s.repos[0], "A", 100)
	const rivals = 16
	for n := range 25 {
		id := hold(t, s.repos[0], fmt.Sprint(n), line("A", 1)).ID
		outcomes := make([]inventory.Outcome, rivals)
		s.callers(rivals, func(caller int) {
			var command inventory.Command = inventory.ConvertHold{ReservationID: id}
			if caller/4%2 == 0 {
				command = inventory.ReleaseHold{ReservationID: id}
			}
			outcomes[caller] = s.do(caller, command)
		})
		r, err := s.repos[0].ReservationByID(t.Context(), id)
		require.NoError(t, err)
		winners := 0
		for _, outcome := range outcomes {
			switch {
			case len(outcome.Refused) > 0:
				require.Equal(t, inventory.InvalidState, outcome.Refused[0].Code)
				require.Equal(t, r, outcome.Refused[0].Reservation)
				continue
			case !outcome.Replayed:
				winners++
			}
			require.Equal(t, r, outcome.Reservation)
		}
		require.Equal(t, 1, winners)
	}
	requireSound(t, s.db)
	s.requireNoDeadlock()
}
