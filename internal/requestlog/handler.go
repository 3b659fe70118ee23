package requestlog

import (
	"context"
	"log/slog"
)

// Handler has each line that is logged with a request's context bear its id. If
// the lines go to a buffer, warnings and errors don't stay there.
func Handler(next slog.Handler, lines *Buffer) slog.Handler { return handler{next, lines} }

type handler struct {
	slog.Handler
	lines *Buffer
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, record slog.Record) error {
	if r := From(ctx); r != nil {
		record.AddAttrs(slog.String("requestId", r.id))
	}
	err := h.Handler.Handle(ctx, record)
	if h.lines != nil && record.Level >= slog.LevelWarn {
		h.lines.Flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.lines}
}
