package web

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// operationByMethod refuses an operation that the way it came by can't answer:
// a GET must change nothing, and a single response is no stream.
type operationByMethod struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = operationByMethod{}

type methodKey struct{}

// withMethod notes how a request came: WebSocket counts as a method here.
func withMethod(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if isWebSocket(r) {
			method = "WebSocket"
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), methodKey{}, method)))
	})
}

func (operationByMethod) ExtensionName() string { return "OperationByMethod" }

func (operationByMethod) Validate(graphql.ExecutableSchema) error { return nil }

func (operationByMethod) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	var refusal *gqlerror.Error
	switch method := ctx.Value(methodKey{}); {
	case operation.Operation.Operation == ast.Subscription && method != "WebSocket":
		refusal = gqlerror.Errorf("a subscription needs a WebSocket")
	case operation.Operation.Operation == ast.Mutation && method == http.MethodGet:
		refusal = gqlerror.Errorf("a mutation needs POST or a WebSocket")
	default:
		return nil
	}
	return withCode(refusal, errcode.ValidationFailed)
}
