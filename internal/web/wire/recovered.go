package wire

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Recovered answers a request that panicked before its operation was known,
// which no executor recovers from.
func Recovered(ctx context.Context, exec graphql.GraphExecutor, panicked any) *graphql.Response {
	err := exec.(recoverer).PresentRecoveredError(ctx, panicked)
	return exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

// recoverer is what an executor is besides: it presents a panic as an error.
type recoverer interface {
	PresentRecoveredError(ctx context.Context, panicked any) error
}

var _ recoverer = (*executor.Executor)(nil)
