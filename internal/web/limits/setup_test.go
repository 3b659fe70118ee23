package limits_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/graph"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/wire"
)

// guarded parses and validates queries as a server does.
type guarded struct {
	*executor.Executor
	t testing.TB
}

func newGuarded(t testing.TB, bounds limits.Limits) guarded {
	exec := executor.New(graph.NewExecutableSchema(graph.Config{}))
	exec.Use(limits.New(bounds))
	return guarded{exec, t}
}

// check has a query checked, up to where it would be carried out.
func (g guarded) check(query string, variables map[string]any) (*graphql.OperationContext, gqlerror.List) {
	ctx := graphql.StartOperationTrace(context.Background())
	return g.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables, Extensions: map[string]any{"cost": true}})
}

// costOf is the cost that an answer tells.
func (g guarded) costOf(query string, variables map[string]any) int {
	g.t.Helper()
	operation, problems := g.check(query, variables)
	require.Empty(g.t, problems, query)
	response := g.DispatchError(graphql.WithOperationContext(context.Background(), operation), nil)
	encoded, err := json.Marshal(response.Extensions["cost"])
	require.NoError(g.t, err)
	var told struct{ Actual, Max int }
	require.NoError(g.t, json.Unmarshal(encoded, &told))
	require.Equal(g.t, limits.Default().Cost, told.Max)
	return told.Actual
}

// codeOf is why a query is refused, and the limit that it is over.
func (g guarded) codeOf(query string) (string, *wire.Limit) {
	g.t.Helper()
	_, problems := g.check(query, nil)
	if len(problems) == 0 {
		return "", nil
	}
	code, _ := problems[0].Extensions["code"].(string)
	limit, isLimit := problems[0].Extensions["limit"].(wire.Limit)
	if !isLimit {
		return code, nil
	}
	require.Len(g.t, problems, 1)
	return code, &limit
}
