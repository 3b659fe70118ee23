package groupcommit_test

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

func TestLoneCommandStartsAGroupAtOnce(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		begun := time.Now()
		a := w.do1(context.Background(), "a")
		w.started("a").answer()
		requireDone(t, "a", a)
		require.Zero(t, time.Since(begun), "nobody waits for a timer")
	})
}

func TestCommandsThatArriveDuringAGroupFormTheNextInOrder(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := w.do1(context.Background(), "a")
		first := w.started("a")
		rest := w.do(context.Background(), "b", "c", "d")
		w.nothingStarted() // one group at a time
		first.answer()
		requireDone(t, "a", a)
		second := w.started("b", "c", "d")
		requireWaiting(t, rest[0])
		second.answer()
		for i, command := range []string{"b", "c", "d"} {
			requireDone(t, command, rest[i])
		}
	})
}

func TestGroupTakesNoMoreCommandsThanItsBound(t *testing.T) {
	inWorld(t, options{GroupMax: 2}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		w.do(context.Background(), "b", "c", "d")
		first.answer()
		w.started("b", "c").answer()
		w.started("d").answer()
	})
}

func length(command string) int { return len(command) }

func TestGroupTakesNoMoreWeightThanItsBoundAndNobodyPasses(t *testing.T) {
	inWorld(t, options{GroupWeightMax: 5, Weight: length}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		w.do(context.Background(), "bb", "ccc", "dddd", "ee", "f")
		first.answer()
		w.started("bb", "ccc").answer()
		w.started("dddd").answer() // f would fit, but ee came before it
		w.started("ee", "f").answer()
	})
}

func TestCommandHeavierThanAnyGroupRunsInOneOfItsOwn(t *testing.T) {
	inWorld(t, options{GroupWeightMax: 5, Weight: length}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		callers := w.do(context.Background(), "b", "heavyweight", "c")
		first.answer()
		w.started("b").answer()
		w.started("heavyweight").answer()
		w.started("c").answer()
		requireDone(t, "heavyweight", callers[1])
	})
}

func TestEachCommandGetsItsOwnFailure(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b", "c")
		first.answer()
		w.started("a", "b", "c").settle(did("a"), settled{Verdict: groupcommit.Answered, Err: errFlush}, did("c"))
		requireDone(t, "a", callers[0])
		requireError(t, errFlush, callers[1])
		requireDone(t, "c", callers[2])
	})
}

func TestAnsweredCommandIsNotKeptInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lane := groupcommit.New(func(_ context.Context, group []*[1024]byte, _ bool) ([]settled, error) {
			return []settled{did("it")}, nil
		}, groupcommit.Options[*[1024]byte]{})
		command := new([1024]byte)
		kept := weak.Make(command)
		_, err := lane.Do(context.Background(), command)
		require.NoError(t, err)
		synctest.Wait()
		runtime.GC()
		assert.Nil(t, kept.Value())
		require.NoError(t, lane.Stop(context.Background()))
	})
}

func TestObserveIsToldOfEveryGroup(t *testing.T) {
	var seen []string
	see := func(g groupcommit.Group) {
		seen = append(seen, strings.Join([]string{
			strconv.Itoa(g.Size), strconv.FormatBool(g.Alone), strconv.Itoa(g.Queued), g.Waited.String(), g.Took.String(),
		}, " "))
	}
	inWorld(t, options{GroupMax: 2, Observe: see}, func(w *world) {
		w.do(context.Background(), "a")
		first := w.started("a")
		time.Sleep(time.Second) // simulated, as all time here
		w.do(context.Background(), "b")
		time.Sleep(2 * time.Second)
		w.do(context.Background(), "c")
		ctx, leave := leavable()
		w.do(ctx, "d")
		first.answer()
		second := w.started("b", "c")
		leave()
		time.Sleep(5 * time.Second)
		second.settle(alone, did("c"))
		time.Sleep(time.Second)
		w.started("b").answer() // begun, though nobody looked, a second ago
		synctest.Wait()
		require.Equal(t, []string{
			"1 false 0 0s 3s",
			"2 false 1 2s 5s",
			"1 true 0 7s 1s",
		}, seen)
	})
}
