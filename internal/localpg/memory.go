package localpg

import (
	"fmt"
	"slices"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// PostgreSQL keeps tables and indexes in memory of its own, and what doesn't fit
// is read, and written, page by page. With a million client tokens or more their
// index is used all over: beside five million reservations 256 MB left 81 % of
// the holds that a server makes with empty tables, and 1 GB 99 %. Memory is
// taken as tables fill it, so that a small shop's server stays small.
const (
	sharedBuffersMin = 128 << 20
	sharedBuffersMax = 1 << 30
)

// sharedBuffers is the setting for this machine, or for the container that this
// is in.
func sharedBuffers() string {
	memory := least(memlimit.FromCgroup, memlimit.FromSystem)
	return fmt.Sprintf("shared_buffers=%dMB", sharedBuffersOf(memory)>>20)
}

// least is of what is known, or 0: a container may be allowed more than the
// machine has.
func least(limits ...memlimit.Provider) uint64 {
	var known []uint64
	for _, limit := range limits {
		if memory, err := limit(); err == nil {
			known = append(known, memory)
		}
	}
	if len(known) == 0 {
		return 0
	}
	return slices.Min(known)
}

// sharedBuffersOf is a quarter of the memory, as PostgreSQL's manual advises
// (resource consumption), within bounds.
func sharedBuffersOf(memory uint64) uint64 {
	return max(sharedBuffersMin, min(memory/4, sharedBuffersMax))
}
