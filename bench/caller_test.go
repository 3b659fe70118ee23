package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// serve answers every request with handler, and counts connections.
func serve(t *testing.T, handler http.HandlerFunc) (string, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, &connections
}

func TestACallerKeepsItsConnectionWhateverTheAnswersForm(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	url, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "in chunks":
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "b")
		case "refused":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "no")
		case "long":
			_, _ = io.WriteString(w, long)
		case "nothing":
		default:
			_, _ = io.WriteString(w, "an answer")
		}
	})
	c, err := newCaller(t.Context(), url)
	require.NoError(t, err)
	defer c.close()
	for range 2 {
		for body, wanted := range map[string]string{"": "an answer", "in chunks": "ab", "refused": "no", "long": long, "nothing": ""} {
			answer, err := c.post([]byte(body))
			require.NoError(t, err, body)
			require.Equal(t, wanted, string(answer), body)
		}
	}
	require.Equal(t, int64(1), connections.Load())
}

func TestACallerThatWasToldToLeaveConnectsAnew(t *testing.T) {
	t.Parallel()
	url, connections := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	})
	c, err := newCaller(t.Context(), url)
	require.NoError(t, err)
	defer c.close()
	for range 3 {
		answer, err := c.post(nil)
		require.NoError(t, err)
		require.Equal(t, "bye", string(answer))
	}
	require.Equal(t, int64(3), connections.Load())
}

func TestABrokenAnswerIsAnErrorAndTheNextCallWorks(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "whole")
	})
	c, err := newCaller(t.Context(), url)
	require.NoError(t, err)
	defer c.close()
	_, err = c.post(nil)
	require.Error(t, err)
	answer, err := c.post(nil)
	require.NoError(t, err)
	require.Equal(t, "whole", string(answer))
}
