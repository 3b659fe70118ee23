package web

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/web/streams"
)

// start serves the handler until t ends, and returns the server and its URL.
func start(t *testing.T, graphql http.HandlerFunc) (*Server, string) {
	t.Helper()
	server := NewServer(time.Minute, streams.New(streams.Options{}), http.NotFoundHandler())
	server.Open(graphql, func(context.Context) error { return nil })
	return server, listen(t, server)
}

func listen(t *testing.T, server *Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Drain(context.Background()))
		require.NoError(t, <-served)
	})
	return "http://" + listener.Addr().String()
}

func TestARequestUnderWayIsFinishedByADrain(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	server, url := start(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		select {
		case <-finish:
		case <-r.Context().Done():
		}
		_ = json.NewEncoder(w).Encode(r.Context().Err() == nil)
	})
	answered := make(chan string, 1)
	go func() {
		response, err := http.Post(url+"/graphql", "application/json", nil)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		answered <- strings.TrimSpace(string(text))
	}()
	<-began
	drained := make(chan error, 1)
	go func() { drained <- server.Drain(context.Background()) }()
	require.Eventually(t, func() bool { // the listener is closed
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	close(finish)
	require.Equal(t, "true", <-answered)
	require.NoError(t, <-drained)
}

func TestAServerThatIsStartingIsAliveButNotReady(t *testing.T) {
	t.Parallel()
	measured := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	url := listen(t, NewServer(time.Minute, streams.New(streams.Options{}), measured))
	for path, wanted := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/graphql": http.StatusServiceUnavailable, "/metrics": http.StatusNoContent,
	} {
		response, err := http.Get(url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, wanted, response.StatusCode, path)
	}
}

func TestAnOfferOfAnotherProtocolIsPassedOver(t *testing.T) {
	t.Parallel()
	_, url := start(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Upgrade")) })
	request, err := http.NewRequest(http.MethodPost, url+"/graphql", nil)
	require.NoError(t, err)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "h2c")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Empty(t, string(text))
}
