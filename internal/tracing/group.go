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

// Caller is the span that what is done for a caller, among others, is to be
// linked with, nil if there is none.
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
	ctx, span := t.startLinked(ctx, "group", callers,
		trace.WithAttributes(attribute.String("holdfast.strategy", string(lane)), attribute.Int("holdfast.commands", commands)))
	return ctx, func() { span.End() }
}

// startLinked begins a span as a child of the first caller's, and links it with
// all of theirs, and those with it.
func (t *Tracing) startLinked(ctx context.Context, name string, callers []any, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	links := make([]trace.Link, len(callers))
	for i, caller := range callers {
		links[i].SpanContext = caller.(trace.Span).SpanContext()
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpanContext(ctx, links[0].SpanContext), name, append([]trace.SpanStartOption{trace.WithLinks(links...)}, options...)...)
	for _, caller := range callers {
		caller.(trace.Span).AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return ctx, span
}

// Message begins the span of a message to the database, if what it is sent for
// is traced.
func (t *Tracing) Message(ctx context.Context, name string) func(error) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return untold
	}
	_, span := t.tracer.Start(ctx, name, toDatabase...)
	return endOf(span)
}

// SharedMessage begins the span of a message to the database that is sent for
// these callers, and for others that aren't traced.
func (t *Tracing) SharedMessage(ctx context.Context, name string, queries int, callers []any) func(error) {
	if t == nil || len(callers) == 0 {
		return untold
	}
	_, span := t.startLinked(ctx, name, callers, toDatabase...)
	span.SetAttributes(attribute.Int("holdfast.queries", queries))
	return endOf(span)
}

// toDatabase is of all messages' spans.
var toDatabase = []trace.SpanStartOption{
	trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.system.name", "postgresql")),
}

// endOf ends a message's span with its error.
func endOf(span trace.Span) func(error) {
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
