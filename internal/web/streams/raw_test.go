package streams_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	opText = 0x1
	opPing = 0x9
	opPong = 0xA
)

const handshake = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
	"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"

// raw is a client of WebSockets that does what a library never would.
type raw struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
}

// raw makes a connection. The frames are sent in one piece with its handshake.
func (w *world) raw(frames ...string) *raw {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	r := &raw{w.t, conn.(*net.TCPConn), bufio.NewReaderSize(conn, 16)}
	require.NoError(w.t, conn.SetReadDeadline(time.Now().Add(patience)))
	r.send(handshake + strings.Join(frames, ""))
	response, err := http.ReadResponse(r.in, nil)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusSwitchingProtocols, response.StatusCode)
	return r
}

// rawWatch makes a connection that has had its first event.
func (w *world) rawWatch(query string) *raw {
	w.t.Helper()
	r := w.raw(frame(opText, `{"type":"connection_init"}`),
		frame(opText, `{"type":"subscribe","id":"1","payload":{"query":"`+query+`"}}`))
	require.Contains(w.t, r.frame(), "connection_ack")
	require.Contains(w.t, r.frame(), `"next"`)
	return r
}

func (r *raw) send(text string) {
	r.t.Helper()
	_, err := io.WriteString(r.conn, text)
	require.NoError(r.t, err)
}

// frame is the payload of the next frame, of any kind.
func (r *raw) frame() string {
	r.t.Helper()
	_, payload, err := r.readFrame()
	require.NoError(r.t, err)
	return payload
}

func (r *raw) readFrame() (op byte, payload string, err error) {
	var header [2]byte
	if _, err = io.ReadFull(r.in, header[:]); err != nil {
		return 0, "", err
	}
	length := int64(header[1])
	switch length {
	case 126:
		var extended uint16
		err = binary.Read(r.in, binary.BigEndian, &extended)
		length = int64(extended)
	case 127:
		err = binary.Read(r.in, binary.BigEndian, &length)
	}
	if err != nil {
		return 0, "", err
	}
	text := make([]byte, length)
	_, err = io.ReadFull(r.in, text)
	return header[0] & 0xF, string(text), err
}

// frame is a client's, masked with zeros.
func frame(op byte, payload string) string {
	header := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		header = append(header, 0x80|byte(n))
	default:
		header = binary.BigEndian.AppendUint16(append(header, 0x80|126), uint16(n))
	}
	return string(append(header, 0, 0, 0, 0)) + payload
}

// panics does so while it checks an operation called Panic.
type panics struct{}

func (panics) ExtensionName() string                   { return "Panics" }
func (panics) Validate(graphql.ExecutableSchema) error { return nil }
func (panics) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	if operation.Operation.Name == "Panic" {
		panic("panicked as told")
	}
	return nil
}
