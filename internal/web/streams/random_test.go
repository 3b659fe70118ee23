package streams_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// Whoever comes, goes and stalls, and in whatever order changes are announced:
//
//  1. The versions of a SKU that a subscription sees only rise.
//  2. Its first of each SKU has what was committed before it was asked for.
//  3. Soon after all is announced, its last are the stock's.
//  4. When all have left, no execution goes on, and all gauges are at zero.

const (
	randomAnnouncers = 3
	randomSteps      = 300 // of each announcer
	randomVisitors   = 16
	randomVisits     = 15 // of each visitor
	randomStayers    = 16
)

var randomSKUs = []string{"A", "B", "C", "D"}

func TestRandomHistoriesEndWithTheLastStateForEveryClient(t *testing.T) {
	t.Parallel()
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add(randomSKUs...)
			var announcers, visitors, stayers sync.WaitGroup
			announced := make(chan struct{})
			for i := range uint64(randomAnnouncers) {
				announcers.Go(func() { w.announceAtRandom(rand.New(rand.NewPCG(seed, i))) })
			}
			for i := range uint64(randomVisitors) {
				visitors.Go(func() {
					r := rand.New(rand.NewPCG(seed, 100+i))
					for range randomVisits {
						w.visitAtRandom(r)
					}
				})
			}
			for i := range uint64(randomStayers) {
				stayers.Go(func() {
					r := rand.New(rand.NewPCG(seed, 1000+i))
					v := w.begin(r)
					defer v.leave()
					for !v.hasLast(w, announced) && v.read() {
						v.dawdle()
					}
				})
			}
			announcers.Wait()
			close(announced)
			for _, sku := range randomSKUs {
				w.change(sku) // one more, so that each stayer has something to read
			}
			last := time.Now()
			stayers.Wait()
			require.Less(t, time.Since(last), patience/2)
			visitors.Wait()
			w.requireNobody()
			require.Empty(t, w.seen.cut)
		})
	}
}

// announceAtRandom commits changes, and tells of them later, in another order
// or not at all.
func (w *world) announceAtRandom(r *rand.Rand) {
	var untold []inventory.StockLevel
	for range randomSteps {
		untold = append(untold, w.commit(pick(r, randomSKUs), pick(r, []string{"default", "west"})))
		if r.IntN(4) == 0 {
			r.Shuffle(len(untold), func(i, j int) { untold[i], untold[j] = untold[j], untold[i] })
			w.announce(untold...)
			untold = nil
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
		}
	}
	w.announce(untold...)
}

// visit is one subscription, over a WebSocket or an event stream.
type visit struct {
	t       *testing.T
	r       *rand.Rand
	receive func() ([]byte, bool)
	leave   func()
	skus    []string
	// before is what was committed before the visit, seen what it saw.
	before, seen map[string]int64
}

func (w *world) begin(r *rand.Rand) *visit {
	v := &visit{t: w.t, r: r, before: map[string]int64{}, seen: map[string]int64{}}
	v.skus = slices.Clone(randomSKUs)
	if r.IntN(2) == 0 { // else it shares with many
		v.skus = v.skus[:1+r.IntN(len(v.skus)-1)]
	}
	for _, sku := range v.skus {
		v.before[sku] = w.total(sku)
	}
	if r.IntN(3) == 0 {
		s := w.stream(watchBody(v.skus...))
		v.leave = s.leave
		v.receive = func() ([]byte, bool) {
			name, payload, err := s.receive()
			return []byte(payload), err == nil && name == "next"
		}
		return v
	}
	s := w.dial()
	s.watch("1", v.skus...)
	v.leave = pick(r, []func(){s.leave, func() { _ = s.conn.CloseNow() }, func() {
		s.complete("1")
		s.requireEnd()
	}})
	v.receive = func() ([]byte, bool) {
		_, text, err := s.conn.Read(s.ctx)
		var m message
		ok := err == nil && json.Unmarshal(text, &m) == nil && m.Type == "next"
		return m.Payload, ok
	}
	return v
}

// requireEnd reads until what the server was asked for last is answered.
func (s *socket) requireEnd() {
	s.send(`{"type":"ping"}`)
	for s.receive().Type != "pong" {
	}
	_ = s.conn.CloseNow()
}

// visitAtRandom reads for a while, no longer than there is certain to be
// something: the first of each SKU.
func (w *world) visitAtRandom(r *rand.Rand) {
	v := w.begin(r)
	defer v.leave()
	stays := r.IntN(len(v.skus) + 1)
	for len(v.seen) < stays && v.read() {
		v.dawdle()
	}
}

// read takes an event, and checks it.
func (v *visit) read() bool {
	payload, ok := v.receive()
	var e event
	ok = ok && json.Unmarshal(payload, &e) == nil && e.Data.AvailabilityChanged != nil
	if !assert.True(v.t, ok, "%s", payload) {
		return false
	}
	value := e.Data.AvailabilityChanged
	before, seen := v.seen[value.SKU]
	if seen {
		ok = assert.Greater(v.t, value.Version, before, value.SKU)
	} else {
		ok = assert.GreaterOrEqual(v.t, value.Version, v.before[value.SKU], value.SKU)
	}
	v.seen[value.SKU] = value.Version
	return ok && assert.Contains(v.t, v.skus, value.SKU)
}

// hasLast says whether all is announced, and the visit has the stock's last.
func (v *visit) hasLast(w *world, announced <-chan struct{}) bool {
	select {
	case <-announced:
	default:
		return false
	}
	for _, sku := range v.skus {
		if v.seen[sku] != w.total(sku) {
			return false
		}
	}
	return true
}

func (v *visit) dawdle() {
	if v.r.IntN(4) == 0 {
		time.Sleep(time.Duration(v.r.IntN(5)) * time.Millisecond)
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
