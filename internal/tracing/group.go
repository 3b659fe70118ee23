package tracing

import (
	"context"
	"errors"

	"github.com/uptrace/bun/driver/pgdriver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"holdfast/internal/inventory"
)

// Caller is the span that a command's group is to be linked with, nil if there
// is none.
func (t *Tracing) Caller(ctx context.Context) any {
	if t == nil {
		return nil
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return span
	}
	return nil
}

// Group begins the span of a group that carries commands of these callers.
func (t *Tracing) Group(ctx context.Context, lane inventory.Strategy, commands int, callers []any) (context.Context, func()) {
	if t == nil || len(callers) == 0 {
		return ctx, func() {}
	}
	links := make([]trace.Link, len(callers))
	for i, caller := range callers {
		links[i].SpanContext = caller.(trace.Span).SpanContext()
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpanContext(ctx, links[0].SpanContext), "group", trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("holdfast.strategy", string(lane)), attribute.Int("holdfast.commands", commands)))
	for _, caller := range callers {
		caller.(trace.Span).AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return ctx, func() { span.End() }
}

// Message begins the span of a message to the database, if what it is sent for
// is traced.
func (t *Tracing) Message(ctx context.Context, name string) func(error) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return untold
	}
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", "postgresql")))
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "") // the text may quote values
		}
		var reported pgdriver.Error
		if errors.As(err, &reported) {
			span.SetAttributes(attribute.String("db.response.status_code", reported.Field('C')))
		}
		span.End()
	}
}

func untold(error) {}
