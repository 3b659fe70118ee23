package streams

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// alone runs an operation for one caller in a bubble.
func alone(t *testing.T) (exec *script, solitary *solo, cancel context.CancelFunc, over <-chan struct{}) {
	exec = newScript()
	out, _ := waiting()
	solitary = &solo{request: exec.request(), out: out}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		solitary.run(ctx)
	}()
	return exec, solitary, cancel, ended
}

func taken(t *testing.T, out *outbox) string {
	t.Helper()
	synctest.Wait()
	e, found, _ := out.take()
	require.True(t, found)
	return string(e.payload)
}

func TestAnUnsharedSubscriptionMissesNothingAndWaitsForItsReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		exec, solitary, _, over := alone(t)
		sent := 0
		go func() {
			for i := range 10 {
				exec.responses <- data(i)
				sent++
			}
			exec.responses <- nil
		}()
		for i := range 10 {
			synctest.Wait()
			require.Len(t, solitary.out.owed, 1)
			require.LessOrEqual(t, sent, i+2, "one is owed, one waits")
			require.JSONEq(t, string(encode(data(i))), taken(t, solitary.out))
		}
		<-over
		_, found, ended := solitary.out.take()
		require.True(t, ended && !found)
	})
}

func TestAnUnsharedSubscriptionEndsWithWhyItFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		exec, solitary, _, over := alone(t)
		exec.responses <- data(1)
		solitary.failed(errors.New("the cursor is too old"))
		exec.responses <- nil
		require.JSONEq(t, string(encode(data(1))), taken(t, solitary.out))
		require.Contains(t, taken(t, solitary.out), "the cursor is too old")
		<-over
		_, _, ended := solitary.out.take()
		require.True(t, ended)
	})
}

func TestAnUnsharedSubscriptionEndsWithItsReader(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*solo, context.CancelFunc){
		"Left":      func(s *solo, _ context.CancelFunc) { s.out.leave() },
		"Cancelled": func(_ *solo, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				exec, solitary, cancel, over := alone(t)
				exec.responses <- data(1)
				exec.responses <- data(2) // waits for its turn
				synctest.Wait()
				leave(solitary, cancel)
				<-over
			})
		})
	}
}
