package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"holdfast/internal/pgtest"
)

// A page's requests, by each transport.
var transports = map[string]func(t *testing.T, s *server, origin string) int{
	"POST": func(t *testing.T, s *server, origin string) int {
		return s.statusFor(t, http.MethodPost, "", `{"query": "{ __typename }"}`, http.Header{"Origin": {origin}, "Content-Type": {"application/json"}})
	},
	"GET": func(t *testing.T, s *server, origin string) int {
		return s.statusFor(t, http.MethodGet, "?query={__typename}", "", http.Header{"Origin": {origin}})
	},
	"server-sent events": func(t *testing.T, s *server, origin string) int {
		return s.statusFor(t, http.MethodGet, "?query={__typename}", "", http.Header{"Origin": {origin}, "Accept": {"text/event-stream"}})
	},
	"WebSocket": func(_ *testing.T, s *server, origin string) int {
		socket, response, err := websocket.Dial(s.t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if err == nil {
			_ = socket.CloseNow()
			return http.StatusOK
		}
		return response.StatusCode
	},
}

func (s *server) statusFor(t *testing.T, method, query, text string, header http.Header) int {
	t.Helper()
	request, err := http.NewRequest(method, s.url+"/graphql"+query, strings.NewReader(text))
	require.NoError(t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = body(t, response)
	return response.StatusCode
}

func TestPagesAreAnsweredByTheirOriginOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t), "HOLDFAST_CORS_ORIGINS=https://partner.example", "HOLDFAST_TRUSTED_PROXIES=127.0.0.1")
	for name, statusOf := range transports {
		require.Equal(t, http.StatusOK, statusOf(t, s, s.url), "%s, its own page", name)
		require.Equal(t, http.StatusOK, statusOf(t, s, "https://partner.example"), "%s, a page that may", name)
		require.Equal(t, http.StatusForbidden, statusOf(t, s, "https://elsewhere.example"), "%s, a page that may not", name)
	}
	require.NoError(t, s.wait())
	require.Equal(t, len(transports), strings.Count(s.log.String(), `"status":403,"outcome":"FORBIDDEN"`))
}
