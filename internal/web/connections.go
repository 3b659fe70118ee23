package web

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections are those of the HTTP server, from when they are let in until they
// close or become a stream's.
//
// They take the place of http.Server.Shutdown, which hangs up on who has just
// spoken: it throws away a request that it has read to the end, if the handler
// hasn't begun, and the bytes that a connection it holds for idle has received.
type connections struct {
	mu   sync.Mutex
	open map[*connection]struct{}
}

// connection is a client's, and knows whether it awaits a request.
type connection struct {
	*net.TCPConn
	phase atomic.Int32
}

const (
	// fresh is a connection that hasn't said anything yet.
	fresh = iota
	// speaking is one with a request that is read or carried out.
	speaking
	// silent is one whose last request is answered.
	silent
	// hungUp is one that the server has closed.
	hungUp
)

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 && c.phase.Swap(speaking) == hungUp {
		return 0, net.ErrClosed
	}
	return n, err
}

// hangUp closes a connection in this phase, unless there is something to read. A
// request that is still on its way then can't be helped: HTTP/1.1 has no word
// for a connection without a request.
func (c *connection) hangUp(in int32) {
	if c.phase.Load() == in && !hasUnread(c.TCPConn) && c.phase.CompareAndSwap(in, hungUp) {
		_ = c.Close()
	}
}

// changed implements http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open[conn.(*connection)] = struct{}{}
	case http.StateIdle:
		conn.(*connection).phase.Store(silent)
	case http.StateHijacked, http.StateClosed:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn.(*connection))
	}
}

// drainInterval is how often a drain looks for connections that have become
// silent.
const drainInterval = 5 * time.Millisecond

// drain closes connections as they become silent, fresh ones after the hearing,
// and returns once there are none, or ctx ends.
func (c *connections) drain(ctx context.Context, hearing time.Duration) error {
	heard := time.Now().Add(hearing)
	look := time.NewTicker(drainInterval)
	defer look.Stop()
	for c.hangUp(time.Now().After(heard)) > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// hangUp closes the silent connections, fresh ones too if that is asked, and
// returns how many there were.
func (c *connections) hangUp(freshToo bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.hangUp(silent)
		if freshToo {
			conn.hangUp(fresh)
		}
	}
	return len(c.open)
}
