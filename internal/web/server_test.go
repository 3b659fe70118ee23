package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// start serves the handler until t ends, and returns the server and its URL.
func start(t *testing.T, graphql http.HandlerFunc) (*Server, string) {
	t.Helper()
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.Open(graphql, func(context.Context) error { return nil })
	return server, listen(t, server)
}

func listen(t *testing.T, server *Server) string {
	t.Helper()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
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
		answered <- fmt.Sprint(strings.TrimSpace(string(text)), ", the connection's last: ", response.Close)
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
	require.Equal(t, "true, the connection's last: true", <-answered)
	require.NoError(t, <-drained)
}

func TestWhoWasLetInBeforeADrainClosedTheListenerIsAnswered(t *testing.T) {
	t.Parallel()
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.timing.hearing = time.Minute
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()

	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_ = server.Drain(ctx) // it is broken off below
	}()
	require.NoError(t, <-served, "the listener is closed")
	_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	cancel()
	<-drained
}

func TestWhoSaysNothingIsLeftByADrain(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{"Silent": "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n", "Fresh": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, url := start(t, http.NotFound)
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, request)
			require.NoError(t, err)
			reader := bufio.NewReader(conn)
			if request != "" {
				response, err := http.ReadResponse(reader, nil)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
			}
			require.NoError(t, server.Drain(t.Context()))
			_, err = reader.ReadByte()
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.timing.body = 50 * time.Millisecond
	server.Open(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}), func(context.Context) error { return nil })
	addr := strings.TrimPrefix(listen(t, server), "http://")
	for _, line := range []string{"POST /graphql", "GET /graphql", "GET /healthz", "GET /nowhere"} {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, line+" HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err = io.Copy(io.Discard, conn)
		require.NoError(t, err, "%s: the connection is open", line)
	}
}

func TestARequestMayTakeLongerThanItsBodyMay(t *testing.T) {
	t.Parallel()
	server := NewServer(Options{RequestTimeout: time.Minute})
	server.timing.body = 250 * time.Millisecond
	server.Open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(2 * server.timing.body):
			_, _ = io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	}), func(context.Context) error { return nil })
	url := listen(t, server)
	for range 2 { // over one connection
		response, err := http.Post(url+"/graphql", "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, "done", string(text))
	}
}

func TestWhoDoesNotReadAnAnswerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	server := NewServer(Options{RequestTimeout: 50*time.Millisecond - defaultTiming.answer})
	server.Open(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 1<<20))
		}
		failed <- err
	}), func(context.Context) error { return nil })
	conn, err := net.Dial("tcp", strings.TrimPrefix(listen(t, server), "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: here\r\n\r\n")
	require.NoError(t, err)
	select {
	case err := <-failed:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case <-time.After(time.Minute):
		require.FailNow(t, "it still writes")
	}
}

func TestAServerThatIsStartingIsAliveButNotReady(t *testing.T) {
	t.Parallel()
	measured := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	url := listen(t, NewServer(Options{RequestTimeout: time.Minute, Metrics: measured}))
	for path, wanted := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/graphql": http.StatusServiceUnavailable, "/metrics": http.StatusNoContent,
	} {
		response, err := http.Get(url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, wanted, response.StatusCode, path)
	}
}

func TestNothingFollowsABodyInChunks(t *testing.T) {
	t.Parallel()
	_, url := start(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for body, isLast := range map[io.Reader]bool{
		strings.NewReader("{}"):                 false,
		io.MultiReader(strings.NewReader("{}")): true, // of a length that isn't known
	} {
		response, err := http.Post(url+"/graphql", "application/json", body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, isLast, response.Close)
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
