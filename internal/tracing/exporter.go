package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporter delivers spans, and tells the operator once when it can't and once
// when it can again. It is called by one goroutine at a time.
type exporter struct {
	sdktrace.SpanExporter
	log *slog.Logger
	// address may hold a key: errors that name it are shown without it.
	address string
	// since is when the failures began, zero while there are none.
	since   time.Time
	dropped int
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil:
		if e.dropped == 0 {
			e.since = time.Now()
			e.log.Warn("traces can't be delivered; they are dropped", "error", withoutAddress(err, e.address))
		}
		e.dropped += len(spans)
	case e.dropped > 0:
		e.log.Info("traces are delivered again", "after", time.Since(e.since).Round(time.Millisecond), "dropped", e.dropped)
		e.dropped = 0
	}
	return nil
}

func withoutAddress(err error, address string) string {
	var failed *url.Error // it names the address in a form of its own
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return strings.ReplaceAll(err.Error(), address, "the collector")
}
