package groupread_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/groupread"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type options = groupread.Options[string]

// world is lanes of which every read stops and waits for the test's word.
type world struct {
	t      *testing.T
	lanes  *groupread.Lanes[string, string]
	starts chan *readCall
}

type readCall struct {
	ctx   context.Context
	group []string
	reply chan readReply
}

type readReply struct {
	answer   string
	err      error
	panicked any
}

type outcome struct {
	answer string
	err    error
}

// inWorld runs a test where time is simulated and "everybody waits" can be
// seen. It fails if a goroutine of the lanes or of a caller is left.
func inWorld(t *testing.T, opts options, test func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, starts: make(chan *readCall)}
		w.lanes = groupread.New(w.read, opts)
		test(w)
		w.nothingStarted()
	})
}

func (w *world) read(ctx context.Context, group []string) (string, error) {
	call := &readCall{ctx: ctx, group: append([]string(nil), group...), reply: make(chan readReply)}
	w.starts <- call
	reply := <-call.reply
	if reply.panicked != nil {
		panic(reply.panicked)
	}
	return reply.answer, reply.err
}

// do calls Do for each query in turn and returns when all of them wait, or have
// their answer.
func (w *world) do(ctx context.Context, queries ...string) []<-chan outcome {
	callers := make([]<-chan outcome, len(queries))
	for i, query := range queries {
		answer := make(chan outcome, 1)
		callers[i] = answer
		go func() {
			result, err := w.lanes.Do(ctx, query)
			answer <- outcome{result, err}
		}()
		synctest.Wait()
	}
	return callers
}

func (w *world) do1(ctx context.Context, query string) <-chan outcome { return w.do(ctx, query)[0] }

// started returns the read that has begun with this group, in any order.
func (w *world) started(group ...string) *readCall {
	w.t.Helper()
	synctest.Wait()
	select {
	case call := <-w.starts:
		require.ElementsMatch(w.t, group, call.group)
		return call
	default:
		require.FailNow(w.t, "no read has begun", "expected the group %v", group)
		return nil
	}
}

func (w *world) nothingStarted() {
	w.t.Helper()
	synctest.Wait()
	select {
	case call := <-w.starts:
		require.FailNow(w.t, "a read has begun", "the group %v", call.group)
	default:
	}
}

// answer names the group in its answer.
func (c *readCall) answer()         { c.reply <- readReply{answer: strings.Join(c.group, " ")} }
func (c *readCall) fail(err error)  { c.reply <- readReply{err: err} }
func (c *readCall) panic(value any) { c.reply <- readReply{panicked: value} }

var errLeft = errors.New("the customer left")

func leavable() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	return ctx, func() { cancel(errLeft) }
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

func requireAnswered(t *testing.T, answer string, callers ...<-chan outcome) {
	t.Helper()
	for _, caller := range callers {
		require.Equal(t, outcome{answer: answer}, returned(t, caller))
	}
}

func requireError(t *testing.T, want error, callers ...<-chan outcome) {
	t.Helper()
	for _, caller := range callers {
		got := returned(t, caller)
		require.ErrorIs(t, got.err, want)
		require.Empty(t, got.answer)
	}
}

func requireWaiting(t *testing.T, caller <-chan outcome) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-caller:
		require.FailNow(t, "the caller has its answer", "%v", got)
	default:
	}
}
