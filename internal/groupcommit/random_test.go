package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

// Whatever the flush does and whoever leaves:
//
//  1. Every caller gets one answer, and it is its own command's.
//  2. The answer is what the flush settled last, or says truly that nothing
//     was done, or that nobody knows.
//  3. No command is in two flushes at the same time.
//  4. None is flushed after it was settled for good, or after its caller was
//     told that nothing was done.
//  5. The lane runs one group at a time, within its bounds; beside it run
//     AloneMax at most, one command each.
//  6. After Stop nothing runs, and nobody waits.

const (
	randomCallers  = 64
	randomAnswers  = 5000 // until the lane is stopped, refusals not counted
	randomGroupMax = 16
	randomQueueMax = 40 // under randomCallers, so that it is full at times
	randomAloneMax = 3
)

var (
	errOwn   = errors.New("this command's own failure")
	errWhole = errors.New("an error of the whole group")
)

type randomCommand struct {
	id   string
	ctx  context.Context
	quit context.CancelFunc

	inFlush atomic.Bool
	// What the flush settled for good: nil until then.
	final atomic.Pointer[error]
	// Its caller has returned from Do, not knowing only if with ErrUnknown.
	returned atomic.Bool
}

type randomHistory struct {
	t    *testing.T
	seed uint64

	lane               *groupcommit.Lane[*randomCommand, string]
	inLane, besideLane atomic.Int32
	flushes            atomic.Int64
	latest             [randomCallers]atomic.Pointer[randomCommand]

	mu         sync.Mutex
	random     *rand.Rand // the flush's
	answers    map[string]int
	operations []string // the last few
	violations []string // each with the operations before it
}

func TestRandomHistoriesKeepEveryPromise(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2, 3, 4, uint64(time.Now().UnixNano())}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &randomHistory{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), answers: map[string]int{}}
			h.run()
		})
	}
}

func (h *randomHistory) run() {
	h.lane = groupcommit.New(h.flush, groupcommit.Options[*randomCommand]{
		GroupMax: randomGroupMax,
		QueueMax: randomQueueMax,
		AloneMax: randomAloneMax,
	})
	var callers sync.WaitGroup
	enough := make(chan struct{})
	var answers atomic.Int64
	for i := range randomCallers {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(h.seed, uint64(i+1)))
			for n := 0; ; n++ {
				switch h.call(i, n, random) {
				case "stopped":
					return
				case "overloaded":
					runtime.Gosched()
				default:
					if answers.Add(1) == randomAnswers {
						close(enough) // with the others in the middle of it
					}
				}
			}
		})
	}
	<-enough
	if h.seed%2 == 0 { // a hurried stop
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = h.lane.Stop(ctx)
	}
	require.NoError(h.t, h.lane.Stop(context.Background()))
	flushes := h.flushes.Load()
	assert.Zero(h.t, h.inLane.Load()+h.besideLane.Load(), "a flush runs after Stop")
	callers.Wait()
	assert.Equal(h.t, flushes, h.flushes.Load(), "a flush began after Stop")

	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.violations) > 0 {
		h.t.Errorf("seed %d: %d violations, the first of them: %s", h.seed, len(h.violations), h.violations[0])
	}
	for _, kind := range []string{
		"done", "own", "whole", "panic", "miscount", "twice", "overloaded", "stopped", "not started", "unknown",
	} {
		assert.NotZero(h.t, h.answers[kind], "no caller was answered %q with seed %d: %v", kind, h.seed, h.answers)
	}
}

// call is one Do and the check of its answer, whose kind it returns.
func (h *randomHistory) call(caller, n int, random *rand.Rand) string {
	command := &randomCommand{id: fmt.Sprintf("%d/%d", caller, n)}
	command.ctx, command.quit = context.WithCancel(context.Background())
	defer command.quit()
	h.latest[caller].Store(command)
	result, err := h.lane.Do(command.ctx, command)

	var final error
	settled := command.final.Load()
	if settled != nil {
		final = *settled
	}
	var panicked *groupcommit.PanicError
	var kind string
	switch {
	case err == nil:
		kind = "done"
		h.check(result == command.id, "%s was given the answer of %q", command.id, result)
		h.check(settled != nil && final == nil, "%s was told it is done, and settled %v", command.id, final)
	case errors.Is(err, groupcommit.ErrUnknown):
		kind = "unknown"
		h.check(command.ctx.Err() != nil, "%s doesn't know, and never left", command.id)
	case errors.Is(err, groupcommit.ErrNotStarted):
		kind = "not started"
		h.check(command.ctx.Err() != nil, "%s gave up, and never left", command.id)
		h.check(settled == nil, "%s was told that nothing was done, and settled %v", command.id, final)
	case errors.Is(err, groupcommit.ErrOverloaded):
		kind = "overloaded"
		h.check(settled == nil, "%s was refused, and settled %v", command.id, final)
	case errors.Is(err, groupcommit.ErrStopped):
		kind = "stopped"
		h.check(settled == nil, "%s was refused, and settled %v", command.id, final)
	default:
		h.check(settled != nil && final != nil, "%s failed with %v, and settled %v", command.id, err, final)
		switch {
		case errors.Is(err, errOwn):
			kind = "own"
			h.check(err == final, "%s failed with %v, and settled %v", command.id, err, final)
		case errors.Is(err, errWhole):
			kind = "whole"
			h.check(err == final, "%s failed with %v, and settled %v", command.id, err, final)
		case errors.As(err, &panicked):
			kind = "panic"
			h.check(panicked.Value == final, "%s panicked with %v, and settled %v", command.id, err, final)
		default:
			kind = final.Error()
		}
	}
	if kind != "unknown" {
		h.check(!command.inFlush.Load(), "%s was answered %q in the middle of a flush", command.id, kind)
		command.returned.Store(true)
	}
	h.mu.Lock()
	h.answers[kind]++
	h.mu.Unlock()
	h.note("%s was answered %q", command.id, kind)
	return kind
}

func (h *randomHistory) check(holds bool, format string, args ...any) {
	if holds {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	violation := fmt.Sprintf(format, args...)
	h.violations = append(h.violations, fmt.Sprintf("%s; before it: %q", violation, h.operations))
}

func (h *randomHistory) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.operations) == 20 {
		h.operations = h.operations[1:]
	}
	h.operations = append(h.operations, fmt.Sprintf(format, args...))
}
