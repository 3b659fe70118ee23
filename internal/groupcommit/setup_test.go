package groupcommit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/groupcommit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type (
	options = groupcommit.Options[string]
	settled = groupcommit.Settled[string]
)

// world is a lane whose every flush stops and waits for the test's word.
type world struct {
	t      *testing.T
	lane   *groupcommit.Lane[string, string]
	starts chan *flushCall
	over   chan struct{}
}

type flushCall struct {
	ctx   context.Context
	group []string
	alone bool
	reply chan flushReply
}

type flushReply struct {
	settled  []settled
	err      error
	panicked any
}

type outcome struct {
	result string
	err    error
}

// inWorld runs a test where time is simulated and "everybody waits" can be
// seen. It fails if a goroutine of the lane or of a caller is left.
func inWorld(t *testing.T, opts options, test func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, starts: make(chan *flushCall), over: make(chan struct{})}
		w.lane = groupcommit.New(w.flush, opts)
		t.Cleanup(func() {
			close(w.over)
			require.NoError(t, w.lane.Stop(context.Background()))
		})
		test(w)
	})
}

func (w *world) flush(ctx context.Context, group []string, alone bool) ([]settled, error) {
	call := &flushCall{ctx: ctx, group: append([]string(nil), group...), alone: alone, reply: make(chan flushReply)}
	select {
	case w.starts <- call:
	case <-w.over:
		return nil, errors.New("the test is over")
	}
	select {
	case reply := <-call.reply:
		if reply.panicked != nil {
			panic(reply.panicked)
		}
		return reply.settled, reply.err
	case <-w.over:
		return nil, errors.New("the test is over")
	}
}

// do calls Do for each command in turn and returns when all of them wait, or
// have their answer.
func (w *world) do(ctx context.Context, commands ...string) []<-chan outcome {
	callers := make([]<-chan outcome, len(commands))
	for i, command := range commands {
		answer := make(chan outcome, 1)
		callers[i] = answer
		go func() {
			result, err := w.lane.Do(ctx, command)
			answer <- outcome{result, err}
		}()
		synctest.Wait()
	}
	return callers
}

func (w *world) do1(ctx context.Context, command string) <-chan outcome {
	return w.do(ctx, command)[0]
}

// started returns the flush that has begun with this group.
func (w *world) started(group ...string) *flushCall {
	w.t.Helper()
	synctest.Wait()
	select {
	case call := <-w.starts:
		require.Equal(w.t, group, call.group)
		return call
	default:
		require.FailNow(w.t, "no flush has begun", "expected the group %v", group)
		return nil
	}
}

func (w *world) nothingStarted() {
	w.t.Helper()
	synctest.Wait()
	select {
	case call := <-w.starts:
		require.FailNow(w.t, "a flush has begun", "the group %v", call.group)
	default:
	}
}

// stop calls Stop and returns when it has begun to wait, or has returned.
func (w *world) stop(ctx context.Context) <-chan error {
	stopped := make(chan error, 1)
	go func() { stopped <- w.lane.Stop(ctx) }()
	synctest.Wait()
	return stopped
}

func (c *flushCall) answer() {
	settlements := make([]settled, len(c.group))
	for i, command := range c.group {
		settlements[i] = did(command)
	}
	c.settle(settlements...)
}

func (c *flushCall) settle(settlements ...settled) { c.reply <- flushReply{settled: settlements} }
func (c *flushCall) fail(err error)                { c.reply <- flushReply{err: err} }
func (c *flushCall) panic(value any)               { c.reply <- flushReply{panicked: value} }

func did(command string) settled {
	return settled{Verdict: groupcommit.Answered, Result: "did " + command}
}

var (
	again = settled{Verdict: groupcommit.Again}
	alone = settled{Verdict: groupcommit.Alone}
)

func requireDone(t *testing.T, command string, caller <-chan outcome) {
	t.Helper()
	got := returned(t, caller)
	require.NoError(t, got.err)
	require.Equal(t, "did "+command, got.result)
}

func requireError(t *testing.T, want error, caller <-chan outcome) {
	t.Helper()
	got := returned(t, caller)
	require.ErrorIs(t, got.err, want)
	require.Empty(t, got.result)
}

func returned(t *testing.T, caller <-chan outcome) outcome {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-caller:
		return got
	default:
		require.FailNow(t, "the caller still waits")
		return outcome{}
	}
}

func requireWaiting[T any](t *testing.T, caller <-chan T) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-caller:
		require.FailNow(t, "the caller has its answer", "%v", got)
	default:
	}
}
