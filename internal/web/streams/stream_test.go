package streams_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stream is a client of server-sent events.
type stream struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
}

// watchBody asks for the same as the sockets' watch, and so shares with them.
func watchBody(skus ...string) string {
	text, _ := json.Marshal(map[string]any{"query": watchQuery, "variables": map[string]any{"skus": skus}})
	return string(text)
}

func (w *world) post(body, accept string) *http.Response {
	w.t.Helper()
	request, err := http.NewRequest(http.MethodPost, w.url+"/graphql", strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	return response
}

func (w *world) stream(body string) *stream {
	w.t.Helper()
	return newStream(w.t, w.post(body, "text/event-stream"))
}

func newStream(t *testing.T, response *http.Response) *stream {
	t.Helper()
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	return &stream{t, response, bufio.NewReader(response.Body)}
}

func (s *stream) leave() { _ = s.response.Body.Close() }

// block is the next lines up to an empty one, of any kind.
func (s *stream) block() (string, error) {
	timeout := time.AfterFunc(patience, s.leave)
	defer timeout.Stop()
	var block strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return block.String() + line, err
		}
		if line == "\n" {
			return block.String(), nil
		}
		block.WriteString(line)
	}
}

// receive is the next event. Comments are passed over.
func (s *stream) receive() (name, payload string, err error) {
	for {
		block, err := s.block()
		if err != nil || block != ":\n" {
			name, payload, _ = strings.Cut(strings.TrimSuffix(block, "\n"), "\n")
			return strings.TrimPrefix(name, "event: "), strings.TrimPrefix(payload, "data: "), err
		}
	}
}

func (s *stream) next() event {
	s.t.Helper()
	name, payload, err := s.receive()
	require.NoError(s.t, err)
	require.Equal(s.t, "next", name, payload)
	return decodeEvent(s.t, []byte(payload))
}

func (s *stream) version() int64 {
	s.t.Helper()
	e := s.next()
	require.NotNil(s.t, e.Data.AvailabilityChanged, "%+v", e.Errors)
	return e.Data.AvailabilityChanged.Version
}

// requireComplete reads the end, as it is when all is said.
func (s *stream) requireComplete() {
	s.t.Helper()
	block, err := s.block()
	require.NoError(s.t, err)
	require.Equal(s.t, "event: complete\ndata:\n", block)
	_, err = s.block()
	require.ErrorIs(s.t, err, io.EOF)
	require.NotErrorIs(s.t, err, io.ErrUnexpectedEOF)
}
