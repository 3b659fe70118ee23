package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerSentEventsAreReadHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", 5000)
	stream := ":\n\nevent: next\ndata: {\"n\":1}\n\n: still here\n\n" +
		"event:next\r\ndata:{\"n\":\r\ndata: 2}\r\n\r\nevent: next\ndata: {\"n\":3,\"long\":\"" + long + "\"}\n\nevent: complete\ndata:\n\n"
	for _, step := range []int{7, 1000, len(stream)} {
		url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "text/event-stream" {
				w.WriteHeader(http.StatusNotAcceptable)
			}
			for rest := stream; rest != ""; {
				n := min(step, len(rest))
				_, _ = io.WriteString(w, rest[:n])
				w.(http.Flusher).Flush()
				rest = rest[n:]
			}
		})
		s, err := way{transport: sseTransport, serverURL: url}.open(t.Context(), []byte(`{}`))
		require.NoError(t, err)
		defer s.close()
		for _, wanted := range []int64{1, 2, 3} {
			event, err := s.next()
			require.NoError(t, err)
			n, _ := numberAfter(event, "n")
			require.Equal(t, wanted, n)
		}
		_, err = s.next()
		require.ErrorIs(t, err, errEnded)
	}
}

func TestABrokenEventStreamIsNoEndOfTheSubscription(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "event: next\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	s, err := way{transport: sseTransport, serverURL: url}.open(t.Context(), []byte(`{}`))
	require.NoError(t, err)
	defer s.close()
	_, err = s.next()
	require.Error(t, err)
	require.NotErrorIs(t, err, errEnded)
}
