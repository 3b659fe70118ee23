package requestlog_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/requestlog"
)

// BenchmarkRequest measures what a request's id and line cost where another
// process reads the log, with a buffer in front of the pipe and without.
func BenchmarkRequest(b *testing.B) {
	reader := exec.Command("cat")
	pipe, err := reader.StdinPipe()
	require.NoError(b, err)
	require.NoError(b, reader.Start())
	lines := requestlog.NewBuffer(pipe)
	b.Cleanup(func() {
		lines.Close()
		_ = pipe.Close()
		require.NoError(b, reader.Wait())
	})
	for name, handler := range map[string]slog.Handler{
		"Buffered": slog.NewJSONHandler(lines, nil), "Unbuffered": slog.NewJSONHandler(pipe, nil), "Silent": slog.DiscardHandler,
	} {
		b.Run(name, func(b *testing.B) {
			log := requestlog.HTTP{Log: slog.New(requestlog.Handler(handler, lines))}
			endpoint := log.Around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				requestlog.From(r.Context()).Asks(requestlog.Operation{Type: "mutation", Name: "Hold", Field: "createHold"})
			}))
			request := httptest.NewRequest(http.MethodPost, "/graphql", http.NoBody)
			answer := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				endpoint.ServeHTTP(answer, request)
			}
		})
	}
}
