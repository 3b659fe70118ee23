package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
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

// open subscribes. Connections are numbered, so as to spread over addresses.
func open(ctx context.Context, transport, serverURL string, number int, body []byte) (stream, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := dial(ctx, hostPort(u), number)
	if err != nil {
		return nil, err
	}
	breakOff := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer breakOff()
	var s stream
	if transport == sseTransport {
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
func dial(ctx context.Context, host string, number int) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	if to, _, err := net.SplitHostPort(host); err == nil && to == "127.0.0.1" && runtime.GOOS == "linux" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+number%sourceAddresses))}
	}
	return dialer.DialContext(ctx, "tcp", host)
}
