package groupcommit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

func TestCommandAloneRunsBesideTheLane(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b")
		first.answer()
		second := w.started("a", "b")
		require.False(t, second.alone)
		second.settle(alone, did("b"))
		requireDone(t, "b", callers[1])
		slow := w.started("a")
		require.True(t, slow.alone)

		c := w.do1(context.Background(), "c")
		w.started("c").answer()
		requireDone(t, "c", c)
		requireWaiting(t, callers[0])
		slow.answer()
		requireDone(t, "a", callers[0])
	})
}

// setAside sends commands to the lane and has them all set aside.
func setAside(ctx context.Context, w *world, commands ...string) []<-chan outcome {
	w.t.Helper()
	w.do(context.Background(), "first")
	first := w.started("first")
	callers := w.do(ctx, commands...)
	first.answer()
	verdicts := make([]settled, len(commands))
	for i := range verdicts {
		verdicts[i] = alone
	}
	w.started(commands...).settle(verdicts...)
	return callers
}

func TestCommandsAloneBeyondTheBoundWaitForAPlaceInOrder(t *testing.T) {
	inWorld(t, options{AloneMax: 1}, func(w *world) {
		callers := setAside(context.Background(), w, "a", "b", "c")
		a := w.started("a")
		w.nothingStarted()
		a.answer()
		b := w.started("b")
		w.nothingStarted()
		b.answer()
		w.started("c").answer()
		for i, command := range []string{"a", "b", "c"} {
			requireDone(t, command, callers[i])
		}
	})
}

func TestSeveralCommandsRunAloneAtTheSameTime(t *testing.T) {
	inWorld(t, options{AloneMax: 2}, func(w *world) {
		callers := setAside(context.Background(), w, "a", "b", "c")
		one, two := <-w.starts, <-w.starts // their goroutines race to begin
		require.ElementsMatch(t, []string{"a", "b"}, []string{one.group[0], two.group[0]})
		w.nothingStarted()
		one.answer()
		w.started("c").answer()
		two.answer()
		requireDone(t, "c", callers[2])
	})
}

func TestCommandSetAsideBeyondTheRoomToWaitIsOverloaded(t *testing.T) {
	inWorld(t, options{AloneMax: 1, QueueMax: 3}, func(w *world) {
		callers := setAside(context.Background(), w, "a", "b", "c")
		a := w.started("a")
		more := w.do(context.Background(), "d")
		w.started("d").settle(alone)
		last := w.do1(context.Background(), "e")
		w.started("e").settle(alone)
		requireError(t, groupcommit.ErrOverloaded, last)
		a.answer()
		for _, command := range []string{"b", "c", "d"} {
			w.started(command).answer()
		}
		requireDone(t, "b", callers[1])
		requireDone(t, "d", more[0])
	})
}

func TestCallerThatLeavesWhileSetAsideIsNotStarted(t *testing.T) {
	inWorld(t, options{AloneMax: 1}, func(w *world) {
		ctx, leave := leavable()
		callers := setAside(ctx, w, "a", "b")
		a := w.started("a")
		leave()
		requireLeft(t, groupcommit.ErrUnknown, callers[0])
		requireLeft(t, groupcommit.ErrNotStarted, callers[1])
		a.answer()
		w.nothingStarted()
	})
}

func TestCommandSetAsideTwiceIsAnError(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := setAside(context.Background(), w, "a")[0]
		w.started("a").settle(alone)
		require.ErrorContains(t, returned(t, a).err, "alone already")
		w.nothingStarted()
	})
}

func TestCommandAloneThatRunsAgainRejoinsTheLane(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := setAside(context.Background(), w, "a")[0]
		slow := w.started("a")
		w.do(context.Background(), "b")
		lane := w.started("b")
		w.do(context.Background(), "c")
		slow.settle(again)
		w.nothingStarted()
		lane.answer()
		next := w.started("a", "c")
		require.False(t, next.alone)
		next.answer()
		requireDone(t, "a", a)
	})
}

func TestCommandAloneThatRunsAgainWakesAnIdleLane(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := setAside(context.Background(), w, "a")[0]
		w.started("a").settle(again)
		w.started("a").answer()
		requireDone(t, "a", a)
	})
}
