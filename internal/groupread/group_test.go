package groupread_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var background = context.Background()

func TestQueriesThatArriveWhileTheLanesAreBusyShareTheNextRead(t *testing.T) {
	inWorld(t, options{LanesMax: 1}, func(w *world) {
		a := w.do1(background, "a")
		first := w.started("a")
		callers := w.do(background, "b", "c", "b")
		w.nothingStarted()
		first.answer()
		requireAnswered(t, "a", a)
		w.started("b", "c", "b").answer()
		requireAnswered(t, "b c b", callers...)
	})
}

func TestQueryIsReadForAtOnceWhileALaneIsFree(t *testing.T) {
	inWorld(t, options{LanesMax: 2}, func(w *world) {
		begun := time.Now()
		a := w.do1(background, "a")
		slow := w.started("a")
		b := w.do1(background, "b")
		w.started("b").answer()
		requireAnswered(t, "b", b)
		c := w.do1(background, "c")
		w.started("c").answer()
		requireAnswered(t, "c", c)
		slow.answer()
		requireAnswered(t, "a", a)
		require.Zero(t, time.Since(begun), "no timer is waited for")
	})
}

func TestSlowReadHoldsUpNobodyElse(t *testing.T) {
	inWorld(t, options{LanesMax: 2}, func(w *world) {
		a := w.do1(background, "a")
		slow := w.started("a")
		w.do(background, "b")
		other := w.started("b")
		for range 3 {
			callers := w.do(background, "c", "d")
			other.answer()
			other = w.started("c", "d")
			requireWaiting(t, callers[0])
			requireWaiting(t, a)
		}
		other.answer()
		slow.answer()
		requireAnswered(t, "a", a)
	})
}

func TestQueryThatArrivesWhileAReadIsUnderWayIsNotServedByIt(t *testing.T) {
	inWorld(t, options{LanesMax: 1}, func(w *world) {
		w.do(background, "a")
		first := w.started("a")
		late := w.do1(background, "a")
		first.answer()
		requireWaiting(t, late)
		w.started("a").answer()
		requireAnswered(t, "a", late)
	})
}

func TestGroupIsBoundedInQueriesAndTheRestGoesOnInOrder(t *testing.T) {
	inWorld(t, options{LanesMax: 1, GroupMax: 2}, func(w *world) {
		w.do(background, "first")
		call := w.started("first")
		w.do(background, "a", "b", "c", "d", "e")
		for _, group := range [][]string{{"a", "b"}, {"c", "d"}, {"e"}} {
			call.answer()
			call = w.started(group...)
		}
		call.answer()
	})
}

func length(query string) int { return len(query) }

func TestGroupIsBoundedInWeightAndAHeavierQueryIsReadForByItself(t *testing.T) {
	inWorld(t, options{LanesMax: 1, GroupWeightMax: 4, Weight: length}, func(w *world) {
		w.do(background, "first")
		call := w.started("first")
		w.do(background, "aa", "bb", "heavyweight", "c")
		for _, group := range [][]string{{"aa", "bb"}, {"heavyweight"}, {"c"}} {
			call.answer()
			call = w.started(group...)
		}
		call.answer()
	})
}

func TestSeveralGroupsThatWaitAreTakenBySeveralLanes(t *testing.T) {
	inWorld(t, options{LanesMax: 2, GroupMax: 1}, func(w *world) {
		w.do(background, "a", "b")
		one := <-w.starts
		two := <-w.starts
		w.do(background, "c", "d")
		one.answer()
		w.started("c").answer()
		w.started("d").answer()
		two.answer()
	})
}
