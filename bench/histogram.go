package main

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations, in microseconds, in buckets that grow with what
// they hold: what it answers is at most 1 % above the truth. Ten thousand
// subscribers may record at once, and it stays as small as it is.
type histogram struct {
	buckets [bucketsPerDoubling * (64 - doublingBits)]atomic.Int64
	count   atomic.Int64
	max     atomic.Int64
}

const (
	doublingBits       = 7
	bucketsPerDoubling = 1 << doublingBits
)

// record counts one. What is below zero counts as 0.
func (h *histogram) record(d time.Duration) {
	us := max(0, d.Microseconds())
	h.buckets[bucketOf(us)].Add(1)
	h.count.Add(1)
	raise(&h.max, us)
}

// add counts what another has counted.
func (h *histogram) add(other *histogram) {
	for bucket := range other.buckets {
		h.buckets[bucket].Add(other.buckets[bucket].Load())
	}
	h.count.Add(other.count.Load())
	raise(&h.max, other.max.Load())
}

// bucketOf numbers small values by themselves, larger ones by their leading bits.
func bucketOf(us int64) int {
	shift := max(0, bits.Len64(uint64(us))-doublingBits-1)
	return shift*bucketsPerDoubling + int(us>>shift)
}

// topOf is the largest value of a bucket.
func topOf(bucket int) int64 {
	shift := max(0, bucket/bucketsPerDoubling-1)
	return (int64(bucket-shift*bucketsPerDoubling)+1)<<shift - 1
}

// quantile returns what a share q of the durations doesn't exceed; 0 if there
// are none.
func (h *histogram) quantile(q float64) time.Duration {
	count := h.count.Load()
	if count == 0 {
		return 0
	}
	rank := int64(math.Ceil(q * float64(count)))
	var seen int64
	for bucket := range h.buckets {
		if seen += h.buckets[bucket].Load(); seen >= rank {
			return min(time.Duration(topOf(bucket))*time.Microsecond, h.longest())
		}
	}
	return h.longest()
}

func (h *histogram) longest() time.Duration { return time.Duration(h.max.Load()) * time.Microsecond }

// raise sets a to value if that is more.
func raise(a *atomic.Int64, value int64) {
	for {
		present := a.Load()
		if value <= present || a.CompareAndSwap(present, value) {
			return
		}
	}
}
