package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// A caller who leaves harms nobody, and is told what is known.

func TestCommandCancelledWhileItWaitsIsDropped(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		release := w.keepLaneBusy()
		ctx, leave := context.WithCancel(t.Context())
		var joining sync.WaitGroup
		joining.Add(1)
		left := start(ctx, w.repo, watched{oneOf("A", "left"), &joining})
		stayed := w.join(oneOf("A", "stayed"))
		joining.Wait()
		leave()
		require.ErrorIs(t, await(t, left).err, repo.ErrOverloaded)
		release()

		require.True(t, await(t, stayed[0]).wasDone())
		assert.Zero(t, count(t, w.db, "SELECT count(*) FROM reservations WHERE client_token = 'left'"))
		again := w.do(w.repo, oneOf("A", "left"))
		assert.True(t, again.wasDone() && !again.Replayed, "%+v", again)
		requireSound(t, w.db)
	})
}

func TestCommandCancelledUnderWayHarmsNoneOfItsGroup(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		w := newFaultWorld(t, strategy)
		saving, gone := make(chan struct{}), make(chan struct{})
		w.proxy.next(isSaveOf("left"), func(x *exchange) {
			close(saving)
			<-gone
			x.pass()
		})
		release := w.keepLaneBusy()
		ctx, leave := context.WithCancel(t.Context())
		var joining sync.WaitGroup
		joining.Add(1)
		left := start(ctx, w.repo, watched{oneOf("A", "left"), &joining})
		joining.Wait()
		stayed := w.join(oneOf("A", "stayed"), oneOf("A", "stayed too"))
		release()
		await(t, saving)
		leave()
		require.ErrorIs(t, await(t, left).err, repo.ErrUnknownOutcome)
		close(gone)

		for _, answers := range stayed {
			told := await(t, answers)
			assert.True(t, told.wasDone() && !told.Replayed, "%+v", told)
		}
		again := w.do(w.repo, oneOf("A", "left"))
		assert.True(t, again.wasDone() && again.Replayed, "%+v", again)
		assert.EqualValues(t, 3, level(t, w.db, "A", "default").Reserved)
		requireSound(t, w.db)
	})
}

func TestCallerIsAnsweredByItsOwnDeadline(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	gone := make(chan struct{})
	w.proxy.next(isSave, func(x *exchange) {
		<-gone
		x.pass()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // by then it is under way
	defer cancel()
	require.ErrorIs(t, await(t, start(ctx, w.repo, oneOf("A", "t"))).err, repo.ErrUnknownOutcome)
	close(gone)
	again := w.do(w.repo, oneOf("A", "t"))
	assert.True(t, again.wasDone() && again.Replayed, "%+v", again)
}

func TestFullQueueAnswersOverloadedAtOnce(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	var hundred []inventory.LineRequest
	for i := range 100 {
		hundred = append(hundred, line(fmt.Sprint("unknown-", i), 1))
	}
	// The queue has room for 65,536 lines.
	const callers, fit = 700, 65536 / 100
	release := w.keepLaneBusy()
	answers := make(chan answer, callers)
	for i := range callers {
		go func() {
			outcome, err := w.repo.Do(t.Context(), inventory.CreateHold{ClientToken: fmt.Sprint(i), Lines: hundred}, nil)
			answers <- answer{outcome, err}
		}()
	}
	for range callers - fit {
		require.ErrorIs(t, await(t, answers).err, repo.ErrOverloaded)
	}
	release()
	for range fit {
		told := await(t, answers)
		require.True(t, told.refusedAs(inventory.UnknownSKU), "%+v", told.err)
	}
	require.True(t, w.do(w.repo, oneOf("A", "t")).wasDone(), "there is room again")
}

// The driver minds a deadline while it waits for the first row only.
func TestAnswerThatStopsHalfWayHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, match := range map[string]func(string) bool{"load": isLoad, "save": isSave} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t, inventory.Pessimistic, func(o *repo.Options) {
				o.LockTimeout, o.RequestTimeout = 100*time.Millisecond, 2*time.Second
			})
			never := make(chan struct{})
			t.Cleanup(func() { close(never) })
			w.proxy.next(match, func(x *exchange) {
				x.send()
				whole := x.answer()
				x.reply(whole[:len(whole)-readyLength])
				<-never
			})
			told := await(t, start(t.Context(), w.repo, oneOf("A", "t")))
			if name == "load" {
				require.ErrorIs(t, told.err, repo.ErrOverloaded)
			} else {
				require.ErrorIs(t, told.err, repo.ErrUnknownOutcome)
			}
			next := await(t, start(t.Context(), w.repo, oneOf("B", "next")))
			require.True(t, next.wasDone(), "%+v", next)
		})
	}
}

func TestCloseEndsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := newFaultWorld(t, inventory.Pessimistic)
	began, never := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(never) })
	w.proxy.next(isLoad, func(*exchange) {
		close(began)
		<-never
	})
	underWay := start(t.Context(), w.repo, oneOf("A", "under way"))
	await(t, began)
	waiting := w.join(oneOf("A", "waiting"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w.repo.Close(ctx)

	require.ErrorIs(t, await(t, underWay).err, repo.ErrOverloaded)
	require.ErrorIs(t, await(t, waiting[0]).err, repo.ErrOverloaded)
	require.ErrorIs(t, w.do(w.repo, oneOf("A", "late")).err, repo.ErrOverloaded)
}
