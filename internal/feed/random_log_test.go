package feed_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
)

// Two servers commit, and others draw places in the log, dawdle, and commit or
// don't. Followers of either server come, read a while, leave, and resume:
//
//  1. A follower gets every entry that there is in the end, once and in order.
//  2. Along each stock level the versions have no gap.
//  3. With SKUs it gets the entries of those and no others.
//  4. The last value that a subscriber of either server gets is the database's.

const (
	randomWriters    = 4 // of commands, and as many of drafts
	randomCommands   = 60
	randomFollowers  = 6
	randomDawdle     = 40 * time.Millisecond
	randomRead       = 60 // entries at most before a follower leaves
	randomDraftEvery = 3  // of so many drafts, one is rolled back
)

func TestFollowersOfARandomHistoryGetEveryEntryOnce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	url := pgtest.URL(t)
	servers := []*server{newServer(t, url, true), newServer(t, url, false)}
	skus := []string{"A", "B", "C", "D"}
	for _, sku := range skus {
		servers[0].createSKU(sku, 1_000_000)
	}
	begin := servers[0].cursorOfLast()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()

	var writers, all sync.WaitGroup
	for i := range uint64(randomWriters) {
		writers.Go(func() { servers[i%2].commandAtRandom(rand.New(rand.NewPCG(seed, i)), i, skus) })
		writers.Go(func() { servers[i%2].draftAtRandom(rand.New(rand.NewPCG(seed, 100+i)), skus[i]) })
	}
	witnesses := []*witness{newWitness(servers[0], begin, skus), newWitness(servers[1], begin, skus)}
	finished := make(chan struct{})
	followers := make([]*randomFollower, randomFollowers)
	for i := range followers {
		f := &randomFollower{servers: servers, random: rand.New(rand.NewPCG(seed, 200+uint64(i))), cursor: begin, finished: finished}
		if i%2 == 1 {
			f.skus = []string{"A", "C"}
		}
		followers[i] = f
		all.Go(func() { f.run(ctx, t) })
	}
	writers.Wait()
	entries := servers[0].entries()
	for _, f := range followers {
		f.wanted = slices.DeleteFunc(slices.Clone(entries), func(e logged) bool {
			return e.ID <= int64(len(skus)) || f.skus != nil && !slices.Contains(f.skus, e.SKU)
		})
	}
	close(finished)
	all.Wait()
	for _, f := range followers {
		require.Equal(t, f.wanted, f.read)
	}
	stock, err := servers[0].repo.Availability(t.Context(), skus, nil)
	require.NoError(t, err)
	for _, w := range witnesses {
		require.Eventually(t, func() bool { return w.hasLast(stock) }, patience, time.Millisecond)
	}
}

// logged is what tells entries apart.
type logged struct {
	ID      int64
	SKU     string
	Version int64
}

func loggedOf(entry inventory.LoggedEntry) logged {
	read := logged{ID: entry.Position}
	if entry.SKU != nil {
		read.SKU, read.Version = *entry.SKU, *entry.Version
	}
	return read
}

func (s *server) entries() []logged {
	s.t.Helper()
	var entries []logged
	require.NoError(s.t, s.db.NewRaw("SELECT id, coalesce(sku, '') AS sku, coalesce(version, 0) AS version FROM audit_log ORDER BY id").
		Scan(s.t.Context(), &entries))
	return entries
}

func (s *server) commandAtRandom(r *rand.Rand, writer uint64, skus []string) {
	for n := range randomCommands {
		made, err := s.repo.Do(s.t.Context(), inventory.CreateHold{
			ClientToken: fmt.Sprint(writer, "-", n),
			Lines:       []inventory.LineRequest{{SKU: pick(r, skus), Quantity: 1}},
		}, new(pick(r, inventory.Strategies)))
		if !assert.NoError(s.t, err) || made.Reservation == nil { // others were faster
			continue
		}
		id := made.Reservation.ID
		switch r.IntN(3) {
		case 0:
			_, err = s.repo.Do(s.t.Context(), inventory.ReleaseHold{ReservationID: id}, nil)
		case 1:
			_, err = s.repo.Do(s.t.Context(), inventory.ExtendHold{ReservationID: id, TTLSeconds: 3600}, nil)
		}
		assert.NoError(s.t, err)
	}
}

func (s *server) draftAtRandom(r *rand.Rand, sku string) {
	for range randomCommands / 4 {
		d := s.draft(sku)
		time.Sleep(rand.N(randomDawdle)) // so that others draw and commit meanwhile
		if r.IntN(randomDraftEvery) == 0 {
			assert.NoError(s.t, d.tx.Rollback())
		} else {
			d.commit()
		}
	}
}

type randomFollower struct {
	servers []*server
	random  *rand.Rand
	skus    []string
	cursor  *string
	read    []logged
	// wanted may be read when finished is closed.
	finished chan struct{}
	wanted   []logged
}

func (f *randomFollower) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		ctx, leave := context.WithCancel(ctx)
		entries, err := pick(f.random, f.servers).stream(ctx, f.cursor, f.skus...)
		if !assert.NoError(t, err) {
			leave()
			return
		}
		finished := f.finished
		for left := 1 + f.random.IntN(randomRead); left > 0; left-- {
			select {
			case entry := <-entries:
				if entry == nil {
					leave()
					return
				}
				f.take(t, entry.Node)
				f.cursor = &entry.Cursor
			case <-finished:
				finished = nil // what is left to read comes by the channel
			}
			if finished == nil && len(f.read) >= len(f.wanted) {
				leave()
				return
			}
		}
		leave()
	}
}

func (f *randomFollower) take(t *testing.T, entry inventory.LoggedEntry) {
	read := loggedOf(entry)
	if read.SKU != "" {
		for _, before := range slices.Backward(f.read) {
			if before.SKU == read.SKU {
				assert.Equal(t, before.Version+1, read.Version)
				break
			}
		}
	}
	f.read = append(f.read, read)
}
