package requestlog_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/requestlog"
)

// serve answers one request by the handler, and returns the answer and the last
// line that was logged of it.
func serve(t *testing.T, r *http.Request, handler http.HandlerFunc) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(requestlog.Handler(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), nil))
	answer := httptest.NewRecorder()
	requestlog.HTTP{Log: log, Routine: map[string]bool{"/healthz": true}}.Around(handler).ServeHTTP(answer, r)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &line), out.String())
	return answer, line
}

func post() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql?query=secret", http.NoBody)
	r.RemoteAddr = "192.0.2.7:51000"
	return r
}

func TestAFitIDIsKeptAndAnyOtherReplaced(t *testing.T) {
	t.Parallel()
	for id, kept := range map[string]bool{
		"a":                                    true,
		"01a207c9-7606-7da1-bad5-009028bf9d96": true,
		"Root=1-67891233-abcdef012345678912345678": true,
		strings.Repeat("a", 128):                   true,
		strings.Repeat("a", 129):                   false,
		"":                                         false,
		"a b":                                      false,
		"a\"b":                                     false,
		"ä":                                        false,
		"a\x00b":                                   false,
	} {
		r := post()
		r.Header.Set("X-Request-Id", id)
		answer, line := serve(t, r, func(http.ResponseWriter, *http.Request) {})
		answered := answer.Header().Get("X-Request-Id")
		require.Equal(t, kept, answered == id, "%q became %q", id, answered)
		require.Regexp(t, `^[\w.:/+=@-]{1,128}$`, answered)
		require.Equal(t, answered, line["requestId"])
	}
}

func TestTheLineSaysWhatWasAskedAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, line := serve(t, post(), func(w http.ResponseWriter, r *http.Request) {
			request := requestlog.From(r.Context())
			request.Asks(requestlog.Operation{Type: "mutation", Name: "Buy", Field: "createHold"})
			request.Refused("INSUFFICIENT_STOCK")
			request.Refused("INSUFFICIENT_STOCK")
			request.Refused("UNKNOWN_SKU")
			request.Over("depth")
			request.Over("depth")
			time.Sleep(1500 * time.Microsecond) // in a bubble, where that takes exactly as long
			w.WriteHeader(http.StatusAccepted)
		})
		delete(line, "time")
		delete(line, "requestId")
		require.Equal(t, map[string]any{
			"level": "INFO", "msg": "request", "method": "POST", "path": "/graphql", "status": 202.0, "client": "192.0.2.7",
			"type": "mutation", "operation": "Buy", "field": "createHold", "outcome": "INSUFFICIENT_STOCK,UNKNOWN_SKU",
			"limit": "depth", "durationMs": 1.5,
		}, line)
	})
}

func TestWhatFailedOrWasSlowIsAWarning(t *testing.T) {
	t.Parallel()
	asks := func(kind string, refused ...string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			request := requestlog.From(r.Context())
			request.Asks(requestlog.Operation{Type: kind})
			for _, code := range refused {
				request.Refused(code)
			}
		}
	}
	slowly := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(1100 * time.Millisecond) // in a bubble, where that takes no time
			next(w, r)
		}
	}
	for name, c := range map[string]struct {
		path, level string
		handler     http.HandlerFunc
	}{
		"done":             {"/graphql", "INFO", asks("query")},
		"refused":          {"/graphql", "INFO", asks("mutation", "INSUFFICIENT_STOCK")},
		"the server fails": {"/graphql", "WARN", asks("mutation", "UNKNOWN_SKU", "OVERLOADED")},
		"no answer":        {"/graphql", "WARN", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		"slow":             {"/graphql", "WARN", slowly(asks("query"))},
		"a long stream":    {"/graphql", "INFO", slowly(asks("subscription"))},
		"routine":          {"/healthz", "DEBUG", func(http.ResponseWriter, *http.Request) {}},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, line := serve(t, httptest.NewRequest(http.MethodGet, c.path, http.NoBody), c.handler)
			require.Equal(t, c.level, line["level"], name)
		})
	}
}

func TestOtherLinesOfARequestBearItsID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(requestlog.Handler(slog.NewTextHandler(&out, nil), nil)).With("a", 1).WithGroup("g")
	request := requestlog.Begin("mine", "192.0.2.7")
	log.InfoContext(requestlog.With(t.Context(), request), "hello")
	require.Contains(t, out.String(), "requestId=mine")
	out.Reset()
	log.InfoContext(requestlog.With(t.Context(), request.Operation()), "hello")
	require.Contains(t, out.String(), "requestId=mine/1")
	out.Reset()
	log.InfoContext(t.Context(), "hello")
	require.NotContains(t, out.String(), "requestId")
}
