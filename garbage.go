package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Memory is traded for speed while there is little in use: a busy server makes
// 10 to 15 % more holds a second with garbagePercentMax than with Go's default
// of 100, and takes some 8 MB more for it. With ten thousand subscribers it
// would be hundreds; then there is garbageBytes of garbage, and a share of what
// is in use.
const (
	garbagePercentMax = 300
	garbagePercentMin = 50
	garbageBytes      = 64 << 20

	// garbageInterval is how often it is looked at how much is in use.
	garbageInterval = time.Second
)

// tuneGarbage sets the collector to what is in use, until ctx ends.
func tuneGarbage(ctx context.Context) {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	ticker := time.NewTicker(garbageInterval)
	defer ticker.Stop()
	for set := 0; ; {
		metrics.Read(inUse)
		if percent := garbagePercent(inUse[0].Value.Uint64()); percent != set {
			debug.SetGCPercent(percent)
			set = percent
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// garbagePercent is how much garbage there may be, as a share of what is in
// use.
func garbagePercent(inUse uint64) int {
	percent := garbagePercentMin + 100*garbageBytes/max(inUse, 1)
	return int(min(percent, garbagePercentMax))
}
