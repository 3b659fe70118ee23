package groupcommit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

func TestCommandsThatRunAgainGoAheadOfLaterOnesInOrder(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b", "c")
		first.answer()
		second := w.started("a", "b", "c")
		w.do(context.Background(), "d")
		second.settle(again, did("b"), again)
		requireDone(t, "b", callers[1])
		third := w.started("a", "c", "d")
		requireWaiting(t, callers[0])
		third.settle(did("a"), again, again)
		requireDone(t, "a", callers[0])
		w.started("c", "d").answer()
		requireDone(t, "c", callers[2])
	})
}

func TestCommandThatRunsAgainLaterHoldsNobodyUp(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		begun := time.Now()
		a := w.do1(context.Background(), "a")
		w.started("a").settle(settled{Verdict: groupcommit.Again, After: time.Second})
		w.nothingStarted()
		b := w.do1(context.Background(), "b")
		w.started("b").answer()
		requireDone(t, "b", b)
		w.nothingStarted()
		call := <-w.starts // as nobody else moves, the clock does
		require.Equal(t, []string{"a"}, call.group)
		require.Equal(t, time.Second, time.Since(begun))
		call.answer()
		requireDone(t, "a", a)
	})
}

func TestCommandThatRunsAgainLaterKeepsItsPlaceByArrival(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "a")
		w.started("a").settle(settled{Verdict: groupcommit.Again, After: time.Second})
		w.do(context.Background(), "b")
		second := w.started("b")
		w.do(context.Background(), "c")
		time.Sleep(time.Second) // simulated: the moment a is ready
		second.settle(again)
		w.started("a", "b", "c").answer()
	})
}

func TestEachCommandThatRunsAgainLaterHasItsOwnTime(t *testing.T) {
	for name, after := range map[string][2]time.Duration{
		"EarlierFirst": {time.Second, 2 * time.Second}, "LaterFirst": {2 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(w *world) {
				w.do(context.Background(), "first")
				first := w.started("first")
				w.do(context.Background(), "a", "b")
				first.answer()
				begun := time.Now()
				w.started("a", "b").settle(
					settled{Verdict: groupcommit.Again, After: after[0]},
					settled{Verdict: groupcommit.Again, After: after[1]})
				for _, at := range []time.Duration{time.Second, 2 * time.Second} {
					(<-w.starts).answer()
					require.Equal(t, at, time.Since(begun))
				}
			})
		})
	}
}
