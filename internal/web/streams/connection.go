package streams

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"holdfast/internal/requestlog"
	"holdfast/internal/web/wire"
)

// The close codes of graphql-transport-ws.
const (
	closeInvalidMessage   = 4400
	closeUnauthorized     = 4401
	closeSubprotocol      = 4406
	closeInitTimeout      = 4408
	closeDuplicate        = 4409
	closeTooManyInits     = 4429
	closeReasonBytesLimit = 120
)

// connection is a WebSocket and the operations that it has open. One goroutine
// reads; one more writes, while there is something to write.
type connection struct {
	streams *Streams
	exec    graphql.GraphExecutor
	// ctx has what the handshake brought, and ends with the connection.
	ctx    context.Context
	cancel context.CancelFunc
	ws     *websocket.Conn
	probe  *probe
	// initiated belongs to the reader; hello is stopped once it is true.
	initiated bool
	hello     *time.Timer
	// wasCut says that the observer was told.
	wasCut atomic.Bool

	mu sync.Mutex
	// conn is what is under the WebSocket: nil until there is one.
	conn net.Conn
	// departing and broken say how the connection is to end. It may have to
	// before it has begun.
	departing, broken bool
	operations        map[string]*operation
	// commands counts the open operations that end by themselves, subscriptions
	// those that don't.
	commands, subscriptions int
	// skus counts the SKUs that the subscriptions name.
	skus int
	// unanswered counts the commands whose last word isn't written yet. A
	// connection that is to depart waits for them.
	unanswered int
	// due are the operations that may be owed something, and writing says that
	// somebody sees to it.
	due     []*operation
	writing bool
}

func newConnection(s *Streams, ctx context.Context, exec graphql.GraphExecutor) *connection {
	c := &connection{streams: s, exec: exec, operations: map[string]*operation{}}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return c
}

// begin serves the client until either side closes.
func (c *connection) begin(ws *websocket.Conn, conn net.Conn) {
	c.ws = ws
	c.probe = newProbe(ws, c.streams.timing, func() { c.cut(cutUnresponsive) })
	c.mu.Lock()
	c.conn = conn
	departing, broken := c.departing, c.broken
	c.mu.Unlock()
	if broken {
		c.breakOff()
	} else if departing {
		go c.depart()
	}
	go func() {
		defer c.streams.left(byWebSocket, c)
		defer c.end()
		c.serve()
	}()
}

func (c *connection) serve() {
	if c.ws.Subprotocol() != subprotocol {
		c.close(closeSubprotocol, "Subprotocol not acceptable: use "+subprotocol)
		return
	}
	c.hello = time.AfterFunc(c.streams.timing.hello, func() { c.close(closeInitTimeout, "Connection initialisation timeout") })
	defer c.hello.Stop()
	for {
		kind, raw, err := c.ws.Read(context.Background()) // closing ends it
		if err != nil {
			return
		}
		var m message
		if kind != websocket.MessageText || json.Unmarshal(raw, &m) != nil {
			c.close(closeInvalidMessage, "Invalid message received")
			return
		}
		if code, reason := c.receive(m); code != 0 {
			c.close(code, reason)
			return
		}
	}
}

// message is one of the protocol's.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// receive acts on a message. A code says that the connection is to be closed,
// and the reason why.
func (c *connection) receive(m message) (code websocket.StatusCode, reason string) {
	switch m.Type {
	case "connection_init":
		if c.initiated {
			return closeTooManyInits, "Too many initialisation requests"
		}
		c.initiated = true
		c.hello.Stop()
		c.write(message{Type: "connection_ack"})
	case "ping":
		c.write(message{Type: "pong", Payload: m.Payload})
	case "pong":
	case "subscribe":
		if !c.initiated {
			return closeUnauthorized, "Unauthorized"
		}
		if m.ID == "" {
			return closeInvalidMessage, "Invalid message received: a subscription needs an id"
		}
		return c.subscribe(m)
	case "complete":
		if op := c.forget(m.ID); op != nil {
			op.stop()
			c.settle(op)
		}
	default:
		return closeInvalidMessage, "Invalid message received"
	}
	return 0, ""
}

func (c *connection) subscribe(m message) (code websocket.StatusCode, reason string) {
	params, refused := wire.Decode(m.Payload)
	if refused != nil {
		return closeInvalidMessage, "Invalid message received: " + refused.Message
	}
	c.mu.Lock()
	_, duplicate := c.operations[m.ID]
	c.mu.Unlock()
	if duplicate {
		return closeDuplicate, shortened("Subscriber for " + m.ID + " already exists")
	}
	ctx := requestlog.With(c.ctx, requestlog.From(c.ctx).Operation())
	r, problems := newRequest(ctx, c.exec, params)
	if problems == nil {
		problems = c.start(m.ID, r)
	}
	if problems != nil {
		c.refuse(ctx, m.ID, problems)
	}
	return 0, ""
}

// refuse ends an operation before it began.
func (c *connection) refuse(ctx context.Context, id string, response *graphql.Response) {
	wire.NoteErrors(ctx, response)
	c.logEnd(ctx)
	errors, err := json.Marshal(response.Errors)
	if err == nil {
		c.write(message{ID: id, Type: "error", Payload: errors})
	}
}

// logEnd writes the line of an operation.
func (c *connection) logEnd(ctx context.Context) {
	requestlog.From(ctx).Streamed(ctx, c.streams.options.Log, byWebSocket)
}

func (c *connection) write(m message) {
	encoded, err := json.Marshal(m)
	if err == nil {
		c.writeText(encoded)
	}
}

// writeText answers whether the text was written. A client that leaves no room
// for it is cut.
func (c *connection) writeText(text []byte) bool {
	err := c.ws.Write(context.Background(), websocket.MessageText, text)
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.cut(cutUnresponsive)
	case !errors.Is(err, net.ErrClosed): // which may be a close that waits for its answer
		c.breakOff()
	}
	return false
}

// end lets go of all that the connection had.
func (c *connection) end() {
	c.cancel()
	c.probe.stop()
	_ = c.ws.CloseNow()
	c.mu.Lock()
	open := c.operations
	c.operations = map[string]*operation{}
	c.mu.Unlock()
	for _, op := range open {
		op.stop()
	}
}

func (c *connection) close(code websocket.StatusCode, reason string) {
	_ = c.ws.Close(code, reason)
}

// cut breaks off because of what the client does, or doesn't.
func (c *connection) cut(reason string) {
	if !c.wasCut.Swap(true) {
		c.streams.options.Observer.Cut(reason)
	}
	c.breakOff()
}

// depart implements connected.
func (c *connection) depart() {
	c.mu.Lock()
	c.departing = true
	ready := c.conn != nil && c.unanswered == 0
	c.mu.Unlock()
	if ready {
		c.close(websocket.StatusServiceRestart, "Service restart")
	}
}

// breakOff implements connected. It doesn't leave that to the WebSocket, which
// would wait for a close that is under way.
func (c *connection) breakOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// shortened is as much of a reason as a close has room for. Half a character at
// its end would have the client see an invalid close, without the code.
func shortened(reason string) string {
	return strings.ToValidUTF8(reason[:min(len(reason), closeReasonBytesLimit)], "")
}
