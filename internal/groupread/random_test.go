package groupread_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/groupread"
)

// Whatever the reads do and whoever leaves:
//
//  1. Every caller gets one answer, from a read that was for its query too.
//  2. That read began after Do was called.
//  3. No query is read for twice, and one that was refused never.
//  4. The reads keep within the bounds, of lanes and of a group.
//  5. When all callers have returned nothing waits and, soon, nothing runs.

const (
	randomCallers  = 64
	randomAnswers  = 5000
	randomLanesMax = 3
	randomGroupMax = 8
	randomQueueMax = 40 // under randomCallers, so that it is full at times
)

type randomQuery struct {
	id    string
	calls time.Time // for the clock that only rises
	quit  context.CancelFunc
	reads atomic.Int32
}

type randomAnswer struct {
	began time.Time
	group []*randomQuery
}

type randomHistory struct {
	t       *testing.T
	seed    uint64
	lanes   *groupread.Lanes[*randomQuery, *randomAnswer]
	running atomic.Int32
	dice    atomic.Uint64

	mu      sync.Mutex
	answers map[string]int
}

func TestRandomHistoriesKeepEveryPromise(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3, uint64(time.Now().UnixNano())} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &randomHistory{t: t, seed: seed, answers: map[string]int{}}
			h.run()
		})
	}
}

func (h *randomHistory) run() {
	h.lanes = groupread.New(h.read, groupread.Options[*randomQuery]{
		LanesMax: randomLanesMax, GroupMax: randomGroupMax, QueueMax: randomQueueMax,
	})
	var callers sync.WaitGroup
	var answered atomic.Int32
	for i := range randomCallers {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(h.seed, uint64(i)))
			for n := 0; answered.Load() < randomAnswers && !h.t.Failed(); n++ {
				if h.call(fmt.Sprintf("%d/%d", i, n), random) == "overloaded" {
					runtime.Gosched()
					continue
				}
				answered.Add(1)
			}
		})
	}
	callers.Wait()
	assert.Zero(h.t, h.lanes.Queued())
	require.Eventually(h.t, func() bool { return h.running.Load() == 0 }, time.Minute, time.Millisecond)
	for _, kind := range []string{"done", "failed", "panicked", "overloaded", "left waiting", "left under way"} {
		assert.NotZero(h.t, h.answers[kind], "no caller was answered %q with seed %d: %v", kind, h.seed, h.answers)
	}
}

var errRandom = errors.New("an error of the whole group")

func (h *randomHistory) read(_ context.Context, group []*randomQuery) (*randomAnswer, error) {
	answer := &randomAnswer{began: time.Now(), group: slices.Clone(group)}
	assert.LessOrEqual(h.t, h.running.Add(1), int32(randomLanesMax), "too many reads run, seed %d", h.seed)
	defer h.running.Add(-1)
	assert.True(h.t, len(group) > 0 && len(group) <= randomGroupMax, "a group of %d, seed %d", len(group), h.seed)
	for _, query := range group {
		assert.EqualValues(h.t, 1, query.reads.Add(1), "%s is read for again, seed %d", query.id, h.seed)
	}
	random := rand.New(rand.NewPCG(h.seed, h.dice.Add(1)))
	for range random.IntN(20) {
		runtime.Gosched()
	}
	switch random.IntN(20) {
	case 0:
		return nil, errRandom
	case 1:
		panic("a bug")
	case 2, 3:
		group[random.IntN(len(group))].quit()
		runtime.Gosched()
	}
	return answer, nil
}

// call is one Do and the check of its answer, whose kind it returns.
func (h *randomHistory) call(id string, random *rand.Rand) string {
	ctx, quit := context.WithCancel(context.Background())
	defer quit()
	query := &randomQuery{id: id, calls: time.Now(), quit: quit}
	if random.IntN(10) == 0 {
		go quit()
	}
	answer, err := h.lanes.Do(ctx, query)
	reads := query.reads.Load()
	var panicked *groupread.PanicError
	var kind string
	switch {
	case err == nil:
		kind = "done"
		assert.Contains(h.t, answer.group, query, "%s was given another group's answer, seed %d", id, h.seed)
		assert.False(h.t, answer.began.Before(query.calls), "%s was given the answer of a read that had begun before, seed %d", id, h.seed)
	case errors.Is(err, groupread.ErrLeft):
		assert.Error(h.t, ctx.Err(), "%s gave up, and never left, seed %d", id, h.seed)
		kind = "left waiting"
		if reads > 0 {
			kind = "left under way"
		}
	case errors.Is(err, groupread.ErrOverloaded):
		kind = "overloaded"
		assert.Zero(h.t, reads, "%s was refused, and read for, seed %d", id, h.seed)
	case errors.Is(err, errRandom):
		kind = "failed"
	case errors.As(err, &panicked):
		kind = "panicked"
	default:
		assert.NoError(h.t, err)
	}
	h.mu.Lock()
	h.answers[kind]++
	h.mu.Unlock()
	return kind
}
