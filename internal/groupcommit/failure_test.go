package groupcommit_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

var errFlush = errors.New("the flush failed")

func TestGroupErrorGoesToEachCommandAndNothingIsRepeated(t *testing.T) {
	never := func(error) bool { return false }
	for name, splits := range map[string]func(error) bool{"NilSplits": nil, "SplitsRefuses": never} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{Splits: splits}, func(w *world) {
				w.do(context.Background(), "first")
				first := w.started("first")
				callers := w.do(context.Background(), "a", "b")
				first.answer()
				w.started("a", "b").fail(errFlush)
				requireError(t, errFlush, callers[0])
				requireError(t, errFlush, callers[1])
				w.nothingStarted()
			})
		})
	}
}

func isFlushError(err error) bool { return errors.Is(err, errFlush) }

func TestErrorInTheDataSplitsTheGroupUntilTheCulpritIsAlone(t *testing.T) {
	inWorld(t, options{Splits: isFlushError}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b", "bad", "c")
		first.answer()
		w.started("a", "b", "bad", "c").fail(errFlush)
		w.started("a", "b").answer()
		requireDone(t, "a", callers[0]) // before the other half has run
		requireDone(t, "b", callers[1])
		w.started("bad", "c").fail(errFlush)
		w.started("bad").fail(errFlush)
		requireError(t, errFlush, callers[2])
		w.started("c").answer()
		requireDone(t, "c", callers[3])
		w.nothingStarted()
	})
}

func TestCommandOfASplitGroupRunsAgainAfterTheWholeOfIt(t *testing.T) {
	inWorld(t, options{Splits: isFlushError}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		w.do(context.Background(), "a", "b")
		first.answer()
		w.started("a", "b").fail(errFlush)
		w.started("a").settle(again)
		w.do(context.Background(), "c")
		w.started("b").settle(again)
		w.started("a", "b", "c").answer()
	})
}

func TestSplittingAGroupOfCulpritsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 64
		gate := make(chan struct{})
		flushes := 0
		lane := groupcommit.New(func(_ context.Context, group []string, _ bool) ([]settled, error) {
			if group[0] == "first" {
				<-gate
				return []settled{did("first")}, nil
			}
			flushes++
			return nil, errFlush
		}, options{Splits: isFlushError})
		errs := make(chan error, size+1)
		do := func(command string) {
			_, err := lane.Do(context.Background(), command)
			errs <- err
		}
		go do("first")
		synctest.Wait()
		for i := range size {
			go do(strconv.Itoa(i))
		}
		synctest.Wait()
		close(gate)
		require.NoError(t, lane.Stop(context.Background()))
		synctest.Wait()
		close(errs)
		failed := 0
		for err := range errs {
			if errors.Is(err, errFlush) {
				failed++
			}
		}
		assert.Equal(t, size, failed)
		assert.Equal(t, 2*size-1, flushes)
	})
}

func TestPanicAnswersItsGroupAndTheLaneLivesOn(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b")
		first.answer()
		w.started("a", "b").panic("a bug")
		for _, caller := range callers {
			err := returned(t, caller).err
			var panicked *groupcommit.PanicError
			require.ErrorAs(t, err, &panicked)
			require.Equal(t, "a bug", panicked.Value)
			require.Contains(t, string(panicked.Stack), "(*world).flush", "the stack is where the panic began")
			require.Equal(t, "flush panicked: a bug", err.Error())
		}
		c := w.do1(context.Background(), "c")
		w.started("c").answer()
		requireDone(t, "c", c)
	})
}

func TestPanicOfACommandAloneLeavesItsPlaceFree(t *testing.T) {
	inWorld(t, options{AloneMax: 1}, func(w *world) {
		for _, command := range []string{"a", "b"} {
			caller := w.do1(context.Background(), command)
			w.started(command).settle(alone)
			w.started(command).panic("a bug")
			var panicked *groupcommit.PanicError
			require.ErrorAs(t, returned(t, caller).err, &panicked)
		}
	})
}

func TestPanicSplitsTheGroupIfTheOptionsSaySo(t *testing.T) {
	panics := func(err error) bool { var p *groupcommit.PanicError; return errors.As(err, &p) }
	inWorld(t, options{Splits: panics}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "bad")
		first.answer()
		w.started("a", "bad").panic("a bug")
		w.started("a").answer()
		w.started("bad").panic("a bug")
		requireDone(t, "a", callers[0])
		require.ErrorContains(t, returned(t, callers[1]).err, "a bug")
	})
}

func TestWrongNumberOfSettlementsIsAnErrorForTheGroup(t *testing.T) {
	for name, settlements := range map[string][]settled{
		"None": nil, "TooFew": {did("a")}, "TooMany": {did("a"), did("b"), did("c")},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{}, func(w *world) {
				w.do(context.Background(), "first")
				first := w.started("first")
				callers := w.do(context.Background(), "a", "b")
				first.answer()
				w.started("a", "b").settle(settlements...)
				for _, caller := range callers {
					got := returned(t, caller)
					require.ErrorContains(t, got.err, "of 2 commands")
					require.Empty(t, got.result)
				}
			})
		})
	}
}

func TestForgottenVerdictIsAnErrorAndNotASuccess(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		a := w.do1(context.Background(), "a")
		w.started("a").settle(settled{Result: "did a"})
		got := returned(t, a)
		require.ErrorContains(t, got.err, "unsettled")
		require.Empty(t, got.result)
	})
}
