package web

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"holdfast/internal/web/streams"
)

// operationByMethod refuses an operation that the way it came by can't answer:
// a GET must change nothing, a single response is no stream, and a stream is of
// one field.
type operationByMethod struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = operationByMethod{}

type wayKey struct{}

// way is how a request came.
type way struct {
	method   string
	isStream bool
}

// withWay notes how a request came, for what is then carried out for it.
func withWay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came := way{method: r.Method, isStream: isStream(r)}
		if streams.IsWebSocket(r) {
			came.method = "WebSocket"
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), wayKey{}, came)))
	})
}

// isStream says whether the answer may go on for as long as both sides like.
func isStream(r *http.Request) bool { return streams.IsWebSocket(r) || streams.IsEventStream(r) }

func (operationByMethod) ExtensionName() string { return "OperationByMethod" }

func (operationByMethod) Validate(graphql.ExecutableSchema) error { return nil }

func (operationByMethod) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	came, _ := ctx.Value(wayKey{}).(way)
	var refusal *gqlerror.Error
	switch {
	case operation.Operation.Operation == ast.Subscription && !came.isStream:
		refusal = gqlerror.Errorf("a subscription needs a WebSocket, or an Accept header of text/event-stream")
	case operation.Operation.Operation == ast.Mutation && came.method == http.MethodGet:
		refusal = gqlerror.Errorf("a mutation needs POST or a WebSocket")
	case operation.Operation.Operation == ast.Subscription && rootFields(operation) != 1:
		refusal = gqlerror.Errorf("a subscription asks for exactly one field")
	default:
		return nil
	}
	return withCode(refusal, errcode.ValidationFailed)
}

// rootFields counts the fields that would be answered. The validator doesn't
// see one field under two names, nor one that is skipped.
func rootFields(operation *graphql.OperationContext) int {
	return len(graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Subscription"}))
}
