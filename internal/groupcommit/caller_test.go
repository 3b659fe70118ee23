package groupcommit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

var errLeft = errors.New("the customer left")

func leavable() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	return ctx, func() { cancel(errLeft) }
}

// requireLeft checks that a caller returned as its context ended, and says why.
func requireLeft(t *testing.T, want error, caller <-chan outcome) {
	t.Helper()
	got := returned(t, caller)
	require.ErrorIs(t, got.err, want)
	require.ErrorIs(t, got.err, errLeft)
	require.Empty(t, got.result)
}

func TestFullQueueIsOverloadedAtOnce(t *testing.T) {
	inWorld(t, options{QueueMax: 2}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		w.do(context.Background(), "b", "c")
		requireError(t, groupcommit.ErrOverloaded, w.do1(context.Background(), "d"))
		first.answer()
		w.started("b", "c").answer()
		w.do(context.Background(), "e") // there is room again
		w.started("e").answer()
	})
}

func TestQueueFullByWeightIsOverloadedAtOnce(t *testing.T) {
	inWorld(t, options{QueueWeightMax: 5, Weight: length}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		w.do(context.Background(), "bbb")
		requireError(t, groupcommit.ErrOverloaded, w.do1(context.Background(), "ccc"))
		w.do(context.Background(), "dd")
		first.answer()
		w.started("bbb", "dd").answer()
	})
}

func TestCommandHeavierThanTheQueueGetsInWhenNobodyWaits(t *testing.T) {
	inWorld(t, options{QueueWeightMax: 5, Weight: length}, func(w *world) {
		heavy := w.do1(context.Background(), "heavyweight")
		w.started("heavyweight").answer()
		requireDone(t, "heavyweight", heavy)
	})
}

func TestCallerWhoseContextHasEndedStartsNothing(t *testing.T) {
	inWorld(t, options{QueueMax: 1}, func(w *world) {
		ctx, leave := leavable()
		leave()
		requireLeft(t, groupcommit.ErrNotStarted, w.do1(ctx, "a"))
		w.nothingStarted()

		w.do(context.Background(), "b")
		first := w.started("b")
		w.do(context.Background(), "c")
		requireLeft(t, groupcommit.ErrNotStarted, w.do1(ctx, "d")) // it didn't ask for room
		first.answer()
	})
}

func TestCallerThatLeavesTheQueueIsNotStartedAndFreesItsRoom(t *testing.T) {
	inWorld(t, options{QueueMax: 3, QueueWeightMax: 3, Weight: length}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		for range 2 { // the front, the middle and the back of the queue
			ctx, leave := leavable()
			b := w.do1(ctx, "b")
			w.do(context.Background(), "c")
			d := w.do1(ctx, "d")
			leave()
			requireLeft(t, groupcommit.ErrNotStarted, b)
			requireLeft(t, groupcommit.ErrNotStarted, d)
			e := w.do(context.Background(), "e", "f")
			requireError(t, groupcommit.ErrOverloaded, w.do1(context.Background(), "g"))
			first.answer()
			first = w.started("c", "e", "f")
			requireWaiting(t, e[0])
		}
		first.answer()
	})
}

func TestCallerThatLeavesItsGroupKnowsNothingAndHarmsNobody(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		ctx, leave := leavable()
		a := w.do1(ctx, "a")
		b := w.do1(context.Background(), "b")
		first.answer()
		second := w.started("a", "b")
		leave()
		requireLeft(t, groupcommit.ErrUnknown, a)
		require.NoError(t, second.ctx.Err())
		second.answer()
		requireDone(t, "b", b)
	})
}

func TestFlushContextBelongsToTheLane(t *testing.T) {
	type key struct{}
	inWorld(t, options{}, func(w *world) {
		ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), key{}, "a caller's"), time.Minute)
		defer cancel()
		a := w.do1(ctx, "a")
		call := w.started("a")
		_, deadline := call.ctx.Deadline()
		require.False(t, deadline)
		require.Nil(t, call.ctx.Value(key{}))
		call.answer()
		requireDone(t, "a", a)
		require.NoError(t, call.ctx.Err(), "it outlives the group")
	})
}

func TestCallerThatLeavesWhileItWaitsToRunAgainIsNotStarted(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		ctx, leave := leavable()
		a := w.do1(ctx, "a")
		w.started("a").settle(settled{Verdict: groupcommit.Again, After: time.Second})
		requireWaiting(t, a)
		leave()
		requireLeft(t, groupcommit.ErrNotStarted, a)
		time.Sleep(2 * time.Second) // simulated
		w.nothingStarted()
	})
}

func TestCommandWhoseCallerLeftItsGroupDoesNotRunAnotherTime(t *testing.T) {
	for name, verdict := range map[string]settled{"Again": again, "Alone": alone} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(w *world) {
				ctx, leave := leavable()
				a := w.do1(ctx, "a")
				call := w.started("a")
				leave()
				requireLeft(t, groupcommit.ErrUnknown, a)
				call.settle(verdict)
				w.nothingStarted()
			})
		})
	}
}
