package requestlog

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

const (
	// slowAfter is how long a request may take before its line is a warning. One
	// that waits for nobody's lock takes a hundredth of it.
	slowAfter = time.Second

	// textBytesMax bounds what of a line is the client's to choose.
	textBytesMax = 128
)

// exchanged writes the line of a request that came by HTTP.
func (r *Request) exchanged(ctx context.Context, log *slog.Logger, by *http.Request, routine bool) {
	status := r.Status()
	r.write(ctx, log, r.level(status >= http.StatusInternalServerError, routine),
		slog.String("method", shortened(by.Method)), slog.String("path", shortened(by.URL.Path)), slog.Int("status", status))
}

// Streamed writes the line of an operation that came over a connection of this
// transport.
func (r *Request) Streamed(ctx context.Context, log *slog.Logger, transport string) {
	if r != nil {
		r.write(ctx, log, r.level(false, false), slog.String("transport", transport))
	}
}

// level is a warning for what failed, and for what was slow: streams are meant
// to last. An INTERNAL has an error's line of its own, with the cause.
func (r *Request) level(failed, routine bool) slog.Level {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case routine:
		return slog.LevelDebug
	case failed, r.failed, time.Since(r.began) > slowAfter && !r.streamsLocked():
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func (r *Request) streamsLocked() bool { return r.asked.Type == "subscription" }

func (r *Request) write(ctx context.Context, log *slog.Logger, level slog.Level, came ...slog.Attr) {
	if !log.Enabled(ctx, level) {
		return
	}
	now := time.Now()
	record := slog.NewRecord(now, level, "request", 0) // a logger would first look for its caller
	record.AddAttrs(came...)
	r.describe(&record, now)
	_ = log.Handler().Handle(ctx, record)
}

func (r *Request) describe(record *slog.Record, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var attrs [9]slog.Attr
	add := attrs[:0]
	if asked := r.asked; asked.Type != "" {
		add = append(add, slog.String("type", asked.Type), slog.String("field", asked.Field))
		if asked.Name != "" {
			add = append(add, slog.String("operation", shortened(asked.Name)))
		}
	}
	if r.asked.Type != "" || len(r.codes) > 0 {
		add = append(add, slog.String("outcome", r.outcomeLocked()))
	}
	if len(r.limits) > 0 {
		add = append(add, slog.String("limit", strings.Join(r.limits, ",")))
	}
	if r.streamsLocked() {
		add = append(add, slog.Int64("events", r.events.Load()))
	}
	add = append(add, slog.Float64("durationMs", float64(now.Sub(r.began).Microseconds())/1000), slog.String("client", r.client))
	if r.traceID != "" {
		add = append(add, slog.String("traceId", r.traceID))
	}
	record.AddAttrs(add...)
}

func shortened(text string) string { return text[:min(len(text), textBytesMax)] }
