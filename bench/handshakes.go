package main

import (
	"context"
	"errors"
	"net"
	"time"
)

var handshakes = workload{
	name: "handshakes",
	about: `a flood of -subscribers WebSocket handshakes, as fast as they go, of clients that say nothing after them, while others
change stock at a steady rate. Target: the others' 99th percentile at most doubles, while the flood lasts`,
	servers: 1,
	needs:   needs{webSocket: true},
	sizes:   sizes{duration: 15 * time.Second, rate: 200, connections: 16, subscribers: 4000, skus: 100},
	run:     runHandshakes,
}

// handshakesMax is how many are under way at a time.
const handshakesMax = 256

func runHandshakes(ctx context.Context, w *world) error {
	return w.measureFlood(ctx, func(ctx context.Context, host string) error {
		err := closed(ctx, handshakesMax, below(w.sizes.subscribers), func(context.Context, int, int) error {
			return openSilently(ctx, host)
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return errors.New("-duration is too short for all the handshakes")
		}
		return err
	})
}

// openSilently opens a WebSocket that says nothing, and stays until ctx ends or
// the server has had enough of it.
func openSilently(ctx context.Context, host string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	_, err = shakeHands(conn, host)
	return errors.Join(ctx.Err(), err)
}
