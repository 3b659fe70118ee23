package tracing

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"holdfast/internal/requestlog"
)

// Extensions are what a GraphQL server needs for its operations to be traced.
func (t *Tracing) Extensions() []graphql.HandlerExtension {
	if t == nil {
		return nil
	}
	return []graphql.HandlerExtension{operations{t.tracer}}
}

// operations makes a span of each operation that is carried out. Subscribers
// who share an execution have one span, in the trace of the first.
type operations struct{ tracer trace.Tracer }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
} = operations{}

// ExtensionName implements graphql.HandlerExtension.
func (operations) ExtensionName() string { return "Tracing" }

// Validate implements graphql.HandlerExtension.
func (operations) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor.
func (o operations) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	asked := requestlog.From(ctx).Asked()
	started := []trace.SpanStartOption{trace.WithAttributes(
		attribute.String("graphql.operation.type", asked.Type), attribute.String("graphql.operation.name", asked.Name),
	)}
	if parent := trace.SpanFromContext(ctx); parent.SpanContext().IsSampled() && !parent.IsRecording() {
		// The handshake of a WebSocket, which is over: all that ever comes over it
		// would be one trace.
		started = append(started, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: parent.SpanContext()}))
	}
	ctx, span := o.tracer.Start(ctx, asked.Type+" "+asked.Field, started...)
	streams := graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription
	if streams {
		context.AfterFunc(ctx, func() { span.End() }) // nobody asks for the end of what was left
	}
	responses := next(ctx)
	return func(ctx context.Context) *graphql.Response {
		response := responses(ctx)
		if response != nil && len(response.Errors) > 0 {
			code, _ := response.Errors[0].Extensions["code"].(string)
			span.SetAttributes(attribute.String("error.type", code))
			span.SetStatus(codes.Error, "")
		}
		if response == nil || response.Data == nil || !streams {
			span.End()
		}
		return response
	}
}
