package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

var loris = workload{
	name: "loris",
	about: `clients that never finish a request: -subscribers connections send a header, a byte at a time, and come back when they
are cut off, while others change stock at a steady rate. Target: the others' 99th percentile at most doubles`,
	servers: 1,
	sizes:   sizes{duration: 15 * time.Second, rate: 200, connections: 16, subscribers: 500, skus: 100},
	run:     runLoris,
}

// crawlInterval is from one byte to the next.
const crawlInterval = 500 * time.Millisecond

func runLoris(ctx context.Context, w *world) error {
	var cut atomic.Int64
	err := w.measureFlood(ctx, func(ctx context.Context, host string) error {
		var crawling sync.WaitGroup
		for range w.sizes.subscribers {
			crawling.Go(func() {
				for crawl(ctx, host); ctx.Err() == nil; crawl(ctx, host) {
					cut.Add(1)
				}
			})
		}
		crawling.Wait()
		return nil
	})
	w.result.figure("connections that were cut off", float64(cut.Load()), "")
	return err
}

// crawl connects, and sends a header until it is cut off or ctx ends.
func crawl(ctx context.Context, host string) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", host)
	if err != nil {
		_ = sleep(ctx, crawlInterval)
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nX-Slow: ", host)
	for err == nil {
		if err = sleep(ctx, crawlInterval); err == nil {
			_, err = conn.Write([]byte{'z'})
		}
	}
}
