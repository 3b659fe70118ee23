package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"holdfast/internal/requestlog"
)

// HTTP makes a span of each request, in the trace that its headers name if they
// name one. That of a WebSocket is its handshake.
func (t *Tracing) HTTP(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, methodOf(r)+" "+r.Pattern, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", methodOf(r)), attribute.String("http.route", r.Pattern)))
		defer span.End()
		request := requestlog.From(ctx)
		request.Traced(span.SpanContext().TraceID().String())
		span.SetAttributes(attribute.String("holdfast.request_id", request.ID()))
		next.ServeHTTP(w, r.WithContext(ctx))
		status := request.Status()
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// methodOf is the request's method, if it is one that we know: another is its
// client's to choose.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return r.Method
	}
	return "_OTHER" // as OpenTelemetry has it
}
