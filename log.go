package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"holdfast/internal/config"
	"holdfast/internal/database"
	"holdfast/internal/requestlog"
)

// commandLog is the log of what doesn't serve.
func (p program) commandLog(settings config.Config) *slog.Logger {
	return slog.New(p.logHandler(p.log, settings))
}

// serverLog is the log of a server, whose lines are gathered for a moment. Flush
// writes the last ones.
func (p program) serverLog(settings config.Config) (log *slog.Logger, flush func()) {
	lines := requestlog.NewBuffer(p.log)
	log = slog.New(requestlog.Handler(p.logHandler(lines, settings), lines))
	// Libraries that log by themselves do so in our form.
	slog.SetDefault(log)
	return log, lines.Close
}

// logHandler writes a log that is to end up in the program's to out.
func (p program) logHandler(out io.Writer, settings config.Config) slog.Handler {
	options := &slog.HandlerOptions{Level: settings.LogLevel, ReplaceAttr: readable}
	if settings.LogFormatOn(isTerminal(p.log)) == "text" {
		return slog.NewTextHandler(out, options)
	}
	return slog.NewJSONHandler(out, options)
}

func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd()))
}

// readable has "1.5s" logged where JSON would have 1500000000, and errors
// without what isn't for the eyes of those who read logs.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().String())
	case slog.KindAny:
		if err, isError := a.Value.Any().(error); isError {
			return slog.String(a.Key, database.Loggable(err))
		}
	}
	return a
}
