package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// frameOf is one as a server writes it.
func frameOf(first byte, payload string) []byte {
	frame := []byte{first}
	switch {
	case len(payload) < 126:
		frame = append(frame, byte(len(payload)))
	case len(payload) < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(len(payload)))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(len(payload)))
	}
	return append(frame, payload...)
}

// written returns a client of a connection on which these frames arrive, a few
// bytes at a time, and then the end; and what the client wrote to it.
func written(t *testing.T, step int, frames ...[]byte) (*webSocket, func() []byte) {
	t.Helper()
	here, there := net.Pipe()
	var answered bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&answered, there)
	}()
	go func() {
		all := bytes.Join(frames, nil)
		for len(all) > 0 {
			n := min(step, len(all))
			if _, err := there.Write(all[:n]); err != nil {
				return
			}
			all = all[n:]
		}
		_ = there.Close()
	}()
	t.Cleanup(func() { _ = here.Close(); <-read })
	return &webSocket{conn: here, buffer: make([]byte, 16)}, func() []byte {
		<-read
		return answered.Bytes()
	}
}

func TestMessagesAreReadHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	medium, long := strings.Repeat("m", 300), strings.Repeat("l", 70_000)
	for _, step := range []int{1, 3, 1000, 1 << 20} {
		w, _ := written(t, step,
			frameOf(frameFinal|opText, "short"), frameOf(frameFinal|opText, ""),
			frameOf(frameFinal|opText, medium), frameOf(frameFinal|opText, long),
			frameOf(opText, "in "), frameOf(opContinuation, "three "), frameOf(frameFinal|opContinuation, "frames"),
			frameOf(frameFinal|opText, "last"))
		for _, wanted := range []string{"short", "", medium, long, "in three frames", "last"} {
			message, err := w.message()
			require.NoError(t, err, step)
			require.Equal(t, wanted, string(message), step)
		}
		_, err := w.message()
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestPingsAreAnsweredBetweenTheFramesOfAMessage(t *testing.T) {
	t.Parallel()
	w, answered := written(t, 5, frameOf(opText, "two "), frameOf(frameFinal|opPing, "there?"), frameOf(frameFinal|opContinuation, "parts"))
	message, err := w.message()
	require.NoError(t, err)
	require.Equal(t, "two parts", string(message))
	_, err = w.message()
	require.Error(t, err)
	require.Equal(t, append([]byte{frameFinal | opPong, frameMasked | 6, 0, 0, 0, 0}, "there?"...), answered())
}

func TestACloseSaysItsCodeAndReason(t *testing.T) {
	t.Parallel()
	w, _ := written(t, 100, frameOf(frameFinal|opClose, "\x11\x3Atoo many subscriptions"))
	_, err := w.message()
	require.EqualError(t, err, "the server closed the WebSocket with 4410 too many subscriptions")
}

func TestAMessageBeyondBoundsIsRefused(t *testing.T) {
	t.Parallel()
	w, _ := written(t, 100, binary.BigEndian.AppendUint64([]byte{frameFinal | opText, 127}, 1<<62))
	_, err := w.message()
	require.ErrorContains(t, err, "a message of over")
}

// serveWebSocket runs what a server does with one socket.
func serveWebSocket(t *testing.T, behave func(ctx context.Context, conn *websocket.Conn)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			return
		}
		behave(r.Context(), conn)
		_ = conn.CloseNow()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestASubscriptionOverAnotherOnesWebSocketDeliversAndEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	url := serveWebSocket(t, func(ctx context.Context, conn *websocket.Conn) {
		read := func() {
			_, message, _ := conn.Read(ctx)
			asked <- string(message)
		}
		say := func(text string) { _ = conn.Write(ctx, websocket.MessageText, []byte(text)) }
		read()
		say(`{"type":"connection_ack"}`)
		read()
		say(`{"payload":{"data":{"n":1}},"id":"1","type":"next"}`)
		say(`{"type":"ping"}`)
		read()
		say(`{"payload":{"data":{"n":2}},"id":"1","type":"next"}`)
		say(`{"id":"1","type":"complete"}`)
	})
	s, err := way{transport: webSocketTransport, serverURL: url}.open(t.Context(), []byte(`{"query":"subscription{n}"}`))
	require.NoError(t, err)
	defer s.close()
	for _, wanted := range []int64{1, 2} {
		event, err := s.next()
		require.NoError(t, err)
		n, _ := numberAfter(event, "n")
		require.Equal(t, wanted, n)
	}
	_, err = s.next()
	require.ErrorIs(t, err, errEnded)
	require.Equal(t, `{"type":"connection_init"}`, <-asked)
	require.Equal(t, `{"id":"1","type":"subscribe","payload":{"query":"subscription{n}"}}`, <-asked)
	require.Equal(t, `{"type":"pong"}`, <-asked)
}

func TestARefusedWebSocketIsAnError(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	_, err := way{transport: webSocketTransport, serverURL: url}.open(t.Context(), []byte(`{}`))
	require.ErrorContains(t, err, "status 503")
}

// The end of the connection has to be noticed by one that doesn't read, though
// much that it hasn't read is in its way.
func TestOneThatDoesNotReadNoticesThatItWasCut(t *testing.T) {
	t.Parallel()
	for _, flooded := range []bool{false, true} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = listener.Close() }()
		cut := make(chan struct{})
		go func() {
			conn, err := listener.Accept()
			if !assert.NoError(t, err) {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			if flooded {
				_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
				_, _ = io.Copy(conn, zeroes{})
			}
			close(cut)
			_ = conn.Close()
		}()
		conn, err := way{receiveBytes: 16 << 10}.dial(t.Context(), listener.Addr().String())
		require.NoError(t, err)
		w := &webSocket{conn: conn}
		defer w.close()
		require.True(t, w.nag(time.Millisecond, t.Context().Done()))
		select {
		case <-cut:
		default:
			require.Fail(t, "said to be cut before it was")
		}
	}
}

func TestOneThatIsNotCutStopsNaggingWhenItIsOver(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	over := make(chan struct{})
	close(over)
	w := &webSocket{conn: here} // nobody reads there either
	require.False(t, w.nag(time.Millisecond, over))
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }
