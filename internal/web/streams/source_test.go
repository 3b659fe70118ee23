package streams

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// script is an executor whose responses a test writes.
type script struct {
	graphql.GraphExecutor
	responses chan *graphql.Response
}

func newScript() *script {
	return &script{responses: make(chan *graphql.Response)}
}

func (s *script) request() request {
	return request{exec: s, ctx: context.Background(), operation: &graphql.OperationContext{
		Operation:   &ast.OperationDefinition{Operation: ast.Subscription},
		RecoverFunc: graphql.DefaultRecover,
	}}
}

func (s *script) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return func(ctx context.Context) *graphql.Response {
		select {
		case response := <-s.responses:
			return response
		case <-ctx.Done():
			return nil
		}
	}, ctx
}

func (s *script) DispatchError(_ context.Context, errors gqlerror.List) *graphql.Response {
	return &graphql.Response{Errors: errors}
}

func data(n int) *graphql.Response { return &graphql.Response{Data: []byte(strconv.Itoa(n))} }

// eager is a subscriber that takes what it is owed at once.
func eager(taken chan<- string) *outbox {
	out := &outbox{tell: observed{observer: nobody{}}}
	out.wake = func() {
		for e, found, over := out.take(); found || over; e, found, over = out.take() {
			if over {
				close(taken)
				return
			}
			var response struct{ Data json.RawMessage }
			if json.Unmarshal(e.payload, &response) == nil {
				taken <- string(response.Data)
			}
		}
	}
	return out
}

func TestJoinerIsNeverGivenAnEventFromBeforeTheRead(t *testing.T) {
	t.Parallel()
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			s, exec := &sharing{sources: map[string]*source{}}, newScript()
			first, joiner := make(chan string, 9), make(chan string, 9)
			follows := &subscriber{request: exec.request(), out: eager(first)}
			s.join(follows)
			shared := follows.source
			t.Cleanup(shared.cancel)
			shared.Gather()
			exec.responses <- data(1)
			shared.Told(t.Context(), "A")
			shared.Current()
			require.Equal(t, "1", <-first)

			joins := &subscriber{request: exec.request(), out: eager(joiner)}
			s.join(joins)
			shared.Gather()
			exec.responses <- data(2)
			synctest.Wait() // the event is worked out, and waits for its subject
			shared.Told(t.Context(), "A")
			shared.Current()
			synctest.Wait()
			require.Equal(t, "2", <-joiner)
			s.leave(follows)
			s.leave(joins)
			synctest.Wait()
			require.Empty(t, s.sources)
		})
	}
}

func TestOneWhoLeavesBeforeItJoinsOrTwiceLeavesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, exec := &sharing{sources: map[string]*source{}}, newScript()
		early := &subscriber{request: exec.request(), out: eager(make(chan string, 9))}
		s.leave(early)
		s.join(early)
		require.Empty(t, s.sources)

		taken := make(chan string, 9)
		one := &subscriber{request: exec.request(), out: eager(taken)}
		s.join(one)
		first := one.source
		other := &subscriber{request: exec.request(), out: eager(make(chan string, 9))}
		s.join(other)
		require.Same(t, first, other.source)
		s.leave(other)
		s.leave(other)
		require.False(t, first.over, "the one is still there")
		s.leave(one)
		s.leave(one)
		require.Empty(t, s.sources)

		again := &subscriber{request: exec.request(), out: eager(make(chan string, 9))}
		s.join(again)
		require.NotSame(t, first, again.source)
		s.leave(one)
		require.Len(t, s.sources, 1, "of another")
		s.leave(again)
		synctest.Wait()
		require.Empty(t, taken)
		require.Empty(t, s.sources)
	})
}

func TestAnExecutionThatEndsUnreadEndsForAll(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(exec *script){
		"Refused": func(exec *script) { exec.responses <- &graphql.Response{Errors: gqlerror.List{{Message: "no"}}} },
		"Silent":  func(exec *script) { exec.responses <- nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, exec := &sharing{sources: map[string]*source{}}, newScript()
				ended := make([]chan string, 3)
				for i := range ended {
					ended[i] = make(chan string, 9)
					s.join(&subscriber{request: exec.request(), out: eager(ended[i])})
				}
				end(exec)
				synctest.Wait()
				for _, taken := range ended {
					for range taken { // up to its close
					}
				}
				require.Empty(t, s.sources)
			})
		})
	}
}
