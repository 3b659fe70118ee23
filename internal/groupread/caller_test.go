package groupread_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupread"
)

func TestFullQueueIsOverloadedAtOnce(t *testing.T) {
	inWorld(t, options{LanesMax: 1, QueueMax: 2, GroupMax: 1}, func(w *world) {
		w.do(background, "a")
		first := w.started("a")
		waiting := w.do(background, "b", "c")
		require.Equal(t, 2, w.lanes.Queued())
		requireError(t, groupread.ErrOverloaded, w.do1(background, "d"))
		first.answer()
		second := w.started("b")
		e := w.do1(background, "e") // there is room again
		second.answer()
		w.started("c").answer()
		w.started("e").answer()
		requireAnswered(t, "b", waiting[0])
		requireAnswered(t, "c", waiting[1])
		requireAnswered(t, "e", e)
		require.Zero(t, w.lanes.Queued())
	})
}

func TestQueueFullByWeightIsOverloadedAtOnce(t *testing.T) {
	inWorld(t, options{LanesMax: 1, QueueWeightMax: 5, Weight: length}, func(w *world) {
		w.do(background, "a")
		first := w.started("a")
		w.do(background, "heavyweight") // nobody waits, so there is never more room
		requireError(t, groupread.ErrOverloaded, w.do1(background, "b"))
		first.answer()
		second := w.started("heavyweight")
		w.do(background, "ccc")
		requireError(t, groupread.ErrOverloaded, w.do1(background, "ddd"))
		w.do(background, "ee")
		second.answer()
		w.started("ccc", "ee").answer()
	})
}

func TestCallerThatLeavesBeforeTheReadIsNotReadForAndFreesItsRoom(t *testing.T) {
	inWorld(t, options{LanesMax: 1, QueueMax: 3, QueueWeightMax: 3, GroupMax: 3, GroupWeightMax: 3, Weight: length}, func(w *world) {
		w.do(background, "a")
		call := w.started("a")
		for range 2 { // the first, the middle and the last of the group
			ctx, leave := leavable()
			b := w.do1(ctx, "b")
			w.do(background, "c")
			d := w.do1(ctx, "d")
			leave()
			requireError(t, groupread.ErrLeft, b)
			requireError(t, groupread.ErrLeft, d)
			w.do(background, "e", "f")
			requireError(t, groupread.ErrOverloaded, w.do1(background, "g"))
			call.answer()
			call = w.started("c", "e", "f")
		}
		call.answer()
	})
}

func TestGroupThatEverybodyLeftIsNotReadFor(t *testing.T) {
	inWorld(t, options{LanesMax: 1}, func(w *world) {
		w.do(background, "a")
		first := w.started("a")
		ctx, leave := leavable()
		callers := w.do(ctx, "b", "c")
		leave()
		requireError(t, errLeft, callers...)
		first.answer()
		w.nothingStarted()
		w.do(background, "d")
		w.started("d").answer()
	})
}

func TestCallerThatLeavesDuringTheReadHarmsNobody(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		ctx, leave := leavable()
		a := w.do1(ctx, "a")
		slow := w.started("a")
		leave()
		requireError(t, groupread.ErrLeft, a)
		require.NoError(t, slow.ctx.Err())

		w.do(background, "b")
		other := w.started("b")
		ctx, leave = leavable()
		c := w.do1(ctx, "c")
		d := w.do1(background, "d")
		slow.answer()
		shared := w.started("c", "d")
		leave()
		requireError(t, errLeft, c)
		require.NoError(t, shared.ctx.Err())
		shared.answer()
		requireAnswered(t, "c d", d)
		other.answer()
	})
}

func TestCallerWhoseContextHasEndedStartsNothing(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		ctx, leave := leavable()
		leave()
		requireError(t, groupread.ErrLeft, w.do1(ctx, "a"))
	})
}

func TestReadMayTakeAsLongAsTheMostPatientOfItsCallersWaits(t *testing.T) {
	type key struct{}
	for name, c := range map[string]struct {
		others []time.Duration // 0: no deadline
		limit  time.Duration   // 0: none
	}{
		"Alone":            {nil, time.Second},
		"BesidePatient":    {[]time.Duration{time.Minute}, time.Minute},
		"BesideImpatient":  {[]time.Duration{time.Millisecond}, time.Second},
		"BesideTheEndless": {[]time.Duration{time.Minute, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{LanesMax: 1}, func(w *world) {
				begun := time.Now()
				w.do(background, "first")
				first := w.started("first")
				var group []string
				for _, limit := range append([]time.Duration{time.Second}, c.others...) {
					ctx := context.WithValue(background, key{}, "a caller's")
					if limit > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, limit)
						defer cancel()
					}
					group = append(group, limit.String())
					w.do(ctx, limit.String())
				}
				first.answer()
				call := w.started(group...)
				deadline, bounded := call.ctx.Deadline()
				require.Equal(t, c.limit > 0, bounded)
				if bounded {
					require.Equal(t, c.limit, deadline.Sub(begun))
				}
				require.Nil(t, call.ctx.Value(key{}))
				call.answer()
			})
		})
	}
}

var errRead = errors.New("the read failed")

func TestFailureGoesToThoseWhoSharedTheRead(t *testing.T) {
	inWorld(t, options{LanesMax: 1}, func(w *world) {
		w.do(background, "first")
		first := w.started("first")
		callers := w.do(background, "a", "b")
		first.answer()
		failing := w.started("a", "b")
		c := w.do1(background, "c")
		failing.fail(errRead)
		requireError(t, errRead, callers...)
		w.started("c").answer()
		requireAnswered(t, "c", c)
	})
}

func TestPanicAnswersItsGroupAndTheLaneLivesOn(t *testing.T) {
	inWorld(t, options{LanesMax: 1}, func(w *world) {
		w.do(background, "first")
		first := w.started("first")
		callers := w.do(background, "a", "b")
		first.answer()
		failing := w.started("a", "b")
		c := w.do1(background, "c")
		failing.panic("a bug")
		for _, caller := range callers {
			err := returned(t, caller).err
			var panicked *groupread.PanicError
			require.ErrorAs(t, err, &panicked)
			require.Equal(t, "a bug", panicked.Value)
			require.Contains(t, string(panicked.Stack), "(*world).read", "the stack is where the panic began")
			require.Equal(t, "read panicked", err.Error())
		}
		w.started("c").answer()
		requireAnswered(t, "c", c)
	})
}
