package groupcommit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
)

var errFlush = errors.New("the flush failed")

func TestGroupErrorGoesToEachCommandAndNothingIsRepeated(t *testing.T) {
	inWorld(t, options{}, func(w *world) {
		w.do(context.Background(), "first")
		first := w.started("first")
		callers := w.do(context.Background(), "a", "b")
		first.answer()
		w.started("a", "b").fail(errFlush)
		requireError(t, errFlush, callers[0])
		requireError(t, errFlush, callers[1])
		w.nothingStarted()
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
			require.Equal(t, "flush panicked", err.Error())
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
