//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// ledger is what the clients of a server were told.
type ledger struct {
	mu sync.Mutex
	// held are the client tokens whose hold was acknowledged.
	held []string
	// lost says why each request that was sent has no answer.
	lost []error
	// enough is closed once so many requests were answered as a drain is to
	// begin at.
	enough   chan struct{}
	answered int
}

const enoughAnswers = 100

func newLedger() *ledger { return &ledger{enough: make(chan struct{})} }

// note has what became of a request for a hold, or for anything else: then there
// is no token.
func (l *ledger) note(token string, answered []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.lost = append(l.lost, err)
		return
	}
	if l.answered++; l.answered == enoughAnswers {
		close(l.enough)
	}
	if strings.Contains(string(answered), `"reservation":{`) {
		l.held = append(l.held, token)
	}
}

// client is one of a server's, over HTTP, that goes on until it is refused.
type client struct {
	caller
	name string
	// body is what is asked for the token.
	body func(token string) string
	// pause is how long to wait before a request.
	pause func() time.Duration
}

func (c *client) run(told *ledger) {
	defer c.leave()
	for i := 0; ; i++ {
		time.Sleep(c.pause())
		token := fmt.Sprint(c.name, "-", i)
		answered, err := c.post(c.body(token))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err != nil && c.wasLate {
			continue
		}
		told.note(token, answered, err)
	}
}

func holdBody(token, sku, strategy string) string {
	return fmt.Sprintf(`{"query":"mutation { createHold(input: {clientToken: \"%s\", lines: [{sku: \"%s\", quantity: 1}], strategy: %s}) { reservation { id } userErrors { code } } }"}`,
		token, sku, strategy)
}

// caller keeps its connection as HTTP has it: it leaves one that it is told to,
// or that was closed, and repeats nothing.
type caller struct {
	addr   string
	conn   net.Conn
	reader *bufio.Reader
	// awaited is since when the server may have waited for a request, at the
	// earliest, and bound how long it does in a drain.
	awaited time.Time
	bound   time.Duration
	// wasLate says that the last request took longer than that to be sent, so that
	// it may have met a connection that was closed: on a machine so busy that this
	// client has to wait for it.
	wasLate bool
}

// What a server that drains gives its clients (internal/web, timing): to hear
// that they are to leave, and to say something for the first time.
const (
	serverNotice  = time.Second
	serverHearing = 500 * time.Millisecond
)

func (c *caller) post(body string) ([]byte, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	_, err := fmt.Fprintf(c.conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.addr, len(body), body)
	c.wasLate = time.Since(c.awaited) > c.bound
	c.awaited, c.bound = time.Now(), serverNotice
	if err != nil {
		defer c.leave()
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		defer c.leave()
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.Close {
		c.leave()
	}
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return text, err
}

// connect has a connection that the server hasn't closed, as far as is known.
func (c *caller) connect() error {
	if c.conn != nil && isOpen(c.conn) {
		return nil
	}
	c.leave()
	c.awaited, c.bound = time.Now(), serverHearing
	conn, err := net.DialTimeout("tcp", c.addr, patience)
	if err != nil {
		return err
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	return conn.SetDeadline(time.Now().Add(4 * patience))
}

func isOpen(conn net.Conn) bool {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
	})
	return err == nil && peeked == syscall.EAGAIN
}

func (c *caller) leave() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// hold makes holds over the WebSocket, one after the other, until it is closed.
// What is on its way just then is refused, or has no answer: nothing tells a
// client not to send any more.
func (w *socket) hold(name, sku, strategy string, told *ledger) {
	for i := 0; ; i++ {
		token := fmt.Sprint(name, "-", i)
		if err := wsjson.Write(w.ctx, w.conn, socketMessage{ID: token, Type: "subscribe", Payload: json.RawMessage(holdBody(token, sku, strategy))}); err != nil {
			return
		}
		for m := (socketMessage{}); m.Type != "complete"; {
			m = socketMessage{}
			err := wsjson.Read(w.ctx, w.conn, &m)
			switch {
			case websocket.CloseStatus(err) == websocket.StatusServiceRestart:
				return
			case err != nil || m.Type == "error" && !strings.Contains(string(m.Payload), "shutting down"):
				told.note(token, nil, fmt.Errorf("over the WebSocket: %w %s", err, m.Payload))
				return
			case m.Type == "error":
				m.Type = "complete"
			case m.Type == "next":
				told.note(token, m.Payload, nil)
			}
		}
	}
}
