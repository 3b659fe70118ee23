package localpg

import (
	"fmt"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// PostgreSQL keeps tables and indexes in memory of its own, and what doesn't fit
// is read, and written, page by page. With a million client tokens or more their
// index is used all over: beside five million reservations 256 MB left 79 % of
// the holds that a server makes with empty tables, and 1 GB all of them. Memory is
// taken as tables fill it, so that a small shop's server stays small.
const (
	sharedBuffersMin = 128 << 20
	sharedBuffersMax = 1 << 30
)

// sharedBuffers is the setting for this machine, or for the container that this
// is in.
func sharedBuffers() string {
	memory, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		memory = 0
	}
	return fmt.Sprintf("shared_buffers=%dMB", sharedBuffersOf(memory)>>20)
}

// sharedBuffersOf is a quarter of the memory, as PostgreSQL's manual advises
// (resource consumption), within bounds.
func sharedBuffersOf(memory uint64) uint64 {
	return max(sharedBuffersMin, min(memory/4, sharedBuffersMax))
}
