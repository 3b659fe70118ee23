package streams

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
)

const (
	subprotocol = "graphql-transport-ws"

	// The server's own buffers are 4 kB each, for as long as a connection lasts.
	// Nearly all messages fit these, and a larger one does without.
	readBufferBytes  = 512
	writeBufferBytes = 1 << 10
)

// webSockets takes WebSockets that speak graphql-transport-ws.
type webSockets struct{ *Streams }

var _ graphql.Transport = webSockets{}

// Supports implements graphql.Transport.
func (webSockets) Supports(r *http.Request) bool { return IsWebSocket(r) }

// IsWebSocket says whether a request asks for a WebSocket.
func IsWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Do implements graphql.Transport. It returns once the connection is made, so
// that what the HTTP server has kept for it can go.
func (t webSockets) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	c := newConnection(t.Streams, r.Context(), exec)
	if !t.enter(w, r, byWebSocket, c) {
		return
	}
	handed := &lean{ResponseWriter: w, writeTimeout: t.timing.write}
	ws, err := websocket.Accept(handed, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // of origins: they were judged before any transport
	})
	if err != nil { // and has been answered
		t.left(byWebSocket, c)
		return
	}
	ws.SetReadLimit(t.options.MessageBytesMax)
	c.begin(ws, handed.conn)
}

// lean hands a connection over with small buffers, and with a limit to each
// write.
type lean struct {
	http.ResponseWriter
	writeTimeout time.Duration
	// conn is what was handed over.
	conn net.Conn
}

// Hijack implements http.Hijacker.
func (l *lean) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(l.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	conn = impatient{conn, l.writeTimeout}
	l.conn = conn
	if buffers.Reader.Buffered() == 0 {
		buffers.Reader = bufio.NewReaderSize(conn, readBufferBytes)
	}
	buffers.Writer = bufio.NewWriterSize(conn, writeBufferBytes)
	return conn, buffers, nil
}

// impatient gives up a write that finds no room for as long as the time-out.
type impatient struct {
	net.Conn
	timeout time.Duration
}

func (c impatient) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
