package groupcommit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

func TestStopFlushesWhatTheLaneHasAndRefusesTheRest(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		b := w.do1(context.Background(), "b")
		stopped := w.stop(context.Background())
		requireError(t, groupcommit.ErrStopped, w.do1(context.Background(), "c"))
		first.answer()
		second := w.started("b")
		require.NoError(t, second.ctx.Err())
		requireWaiting(t, stopped)
		second.answer()
		requireDone(t, "b", b)
		require.NoError(t, <-stopped)
		require.Error(t, second.ctx.Err(), "the context is released with the lane")
	})
}

func TestStopOfAnIdleLaneReturnsAndMayBeRepeated(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		one, two := w.stop(context.Background()), w.stop(context.Background())
		require.NoError(t, <-one)
		require.NoError(t, <-two)
		require.NoError(t, w.lane.Stop(context.Background()))
		requireError(t, groupcommit.ErrStopped, w.do1(context.Background(), "a"))
	})
}

func TestStopWaitsForCommandsAloneAndForThoseThatWaitForTheirPlace(t *testing.T) {
	inWorld(t, options{AloneMax: 1}, func(w *world) {
		callers := setAside(context.Background(), w, "a", "b")
		a := w.started("a")
		stopped := w.stop(context.Background())
		a.settle(again) // back to a lane that is stopping
		b := w.started2("a", "b")
		requireWaiting(t, stopped)
		b[0].answer()
		requireWaiting(t, stopped)
		b[1].answer()
		requireDone(t, "a", callers[0])
		requireDone(t, "b", callers[1])
		require.NoError(t, <-stopped)
	})
}

func TestStopCarriesOutACommandAloneThatRejoinsTheLane(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := setAside(context.Background(), w, "a")[0]
		slow := w.started("a")
		stopped := w.stop(context.Background())
		slow.settle(again)
		w.started("a").answer()
		requireDone(t, "a", a)
		require.NoError(t, <-stopped)
	})
}

// started2 returns the flushes of two single commands that begin in any order.
func (w *world) started2(one, two string) [2]*flushCall {
	w.t.Helper()
	calls := [2]*flushCall{<-w.starts, <-w.starts}
	if calls[0].group[0] != one {
		calls[0], calls[1] = calls[1], calls[0]
	}
	require.Equal(w.t, []string{one}, calls[0].group)
	require.Equal(w.t, []string{two}, calls[1].group)
	return calls
}

func TestStopWaitsForACommandThatIsToRunAgainLater(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := w.do1(context.Background(), "a")
		w.started("a").settle(settled{Verdict: groupcommit.Again, After: time.Second})
		stopped := w.stop(context.Background())
		requireWaiting(t, stopped)
		(<-w.starts).answer()
		requireDone(t, "a", a)
		require.NoError(t, <-stopped)
	})
}

func TestStopReturnsWhenTheLastCallerLeaves(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		begun := time.Now()
		ctx, leave := leavable()
		a := w.do1(ctx, "a")
		w.started("a").settle(settled{Verdict: groupcommit.Again, After: time.Hour})
		stopped := w.stop(context.Background())
		requireWaiting(t, stopped)
		leave()
		requireLeft(t, groupcommit.ErrNotStarted, a)
		require.NoError(t, <-stopped)
		require.Zero(t, time.Since(begun))
	})
}

func TestStopOutOfTimeAnswersWhatWaitsAndCancelsTheFlush(t *testing.T) {
	inWorld(t, options{AloneMax: 1}, func(w *world) {
		aside := setAside(context.Background(), w, "a", "b")
		slow := w.started("a")
		c := w.do1(context.Background(), "c")
		group := w.started("c")
		d := w.do1(context.Background(), "d")

		ctx, leave := leavable()
		stopped := w.stop(ctx)
		leave()
		require.ErrorIs(t, <-stopped, errLeft)
		requireError(t, groupcommit.ErrStopped, aside[1])
		requireError(t, groupcommit.ErrStopped, d)
		requireWaiting(t, c)
		require.ErrorIs(t, context.Cause(group.ctx), groupcommit.ErrStopped)
		require.Error(t, slow.ctx.Err())

		group.settle(alone) // too late for more than an answer
		requireError(t, groupcommit.ErrStopped, c)
		stopped = w.stop(context.Background())
		requireWaiting(t, stopped)
		slow.settle(again)
		requireError(t, groupcommit.ErrStopped, aside[0])
		require.NoError(t, <-stopped)
	})
}
