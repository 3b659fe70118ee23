package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"syscall"
	"time"
)

const (
	webSocketTransport = "ws"
	sseTransport       = "sse"

	// dialTimeout bounds a connection's way to its subscription.
	dialTimeout = 30 * time.Second

	// bufferBytes is what a stream begins to read with; a larger message makes
	// it grow. There are thousands of them.
	bufferBytes = 1024
)

// stream is one subscription on a connection of its own.
type stream interface {
	// next returns the next event: a message that has its payload, as it came.
	// It is valid until the next call. errEnded says that the server ended the
	// subscription.
	next() ([]byte, error)
	close()
}

// errEnded is how a subscription ends that the server completes or refuses,
// rather than its connection.
var errEnded = errors.New("the server ended the subscription")

// endedBy returns errEnded with the server's words.
func endedBy(message []byte) error { return fmt.Errorf("%w: %.300s", errEnded, message) }

// way is how a subscription gets to its server.
type way struct {
	transport string
	serverURL string
	number    int // of the connection, so as to spread them over addresses
	// receiveBytes is all that the kernel takes in for one that doesn't read; 0:
	// what it does by default.
	receiveBytes int
}

// open subscribes.
func (to way) open(ctx context.Context, body []byte) (stream, error) {
	u, err := url.Parse(to.serverURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := to.dial(ctx, hostPort(u))
	if err != nil {
		return nil, err
	}
	breakOff := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer breakOff()
	var s stream
	if to.transport == sseTransport {
		s, err = openSSE(conn, u.Host, body)
	} else {
		s, err = openWebSocket(conn, u.Host, body)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return s, nil
}

// sourceAddresses is how many addresses connections come from, in turn. One has
// some 28,000 ports, which those that were closed a minute ago still take.
const sourceAddresses = 16

// dial connects from 127.0.0.x to a server on this machine, where the system has
// all of those without being asked.
func (to way) dial(ctx context.Context, host string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	if at, _, err := net.SplitHostPort(host); err == nil && at == "127.0.0.1" && runtime.GOOS == "linux" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+to.number%sourceAddresses))}
	}
	if to.receiveBytes > 0 {
		// Before it is connected: what the server was once told that there is
		// room for, it would go on to send, and nothing would come through any
		// more, not even that it has closed the connection.
		dialer.Control = func(_, _ string, conn syscall.RawConn) (err error) {
			failed := conn.Control(func(socket uintptr) { err = setReceiveBytes(socket, to.receiveBytes) })
			return errors.Join(failed, err)
		}
	}
	return dialer.DialContext(ctx, "tcp", host)
}
