package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

const (
	// embeddedVersion is what is downloaded where nothing is installed, and
	// embeddedMajor the clusters that it can serve.
	embeddedVersion = embeddedpostgres.V17
	embeddedMajor   = 17

	// downloadTimeout bounds the download of some 20 MB; the library has no
	// bound of its own.
	downloadTimeout = 5 * time.Minute
)

// embeddedConfig is common to all uses of the library.
func embeddedConfig(opts Options) embeddedpostgres.Config {
	config := embeddedpostgres.DefaultConfig().Version(embeddedVersion).Logger(io.Discard)
	if opts.downloadURL != "" {
		config = config.BinaryRepositoryURL(opts.downloadURL)
	}
	return config
}

// withinDownloadTimeout runs a call of the library, which knows no context.
// One that is given up goes on until the process ends.
func withinDownloadTimeout(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, downloadTimeout, errors.New("the download took too long"))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// downloadFailed is the error of a machine without PostgreSQL. The library's
// errors may hold a whole log; this is one line.
func downloadFailed(cause error) error {
	return fmt.Errorf("no PostgreSQL is installed, and the download failed (%s): %s", lastLines(cause.Error()), howToInstall)
}

// lastLines returns the end of a program's output in one line, short enough
// for an error.
func lastLines(output string) string {
	const linesMax = 6
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > linesMax {
		lines = lines[len(lines)-linesMax:]
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " | ")
}
