package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryValueLiesInABucketAtMostOnePercentAboveIt(t *testing.T) {
	t.Parallel()
	before := -1
	for us := int64(0); us < math.MaxInt64/2; us += 1 + us/500 {
		bucket := bucketOf(us)
		require.GreaterOrEqual(t, bucket, before, us)
		require.GreaterOrEqual(t, topOf(bucket), us)
		require.LessOrEqual(t, float64(topOf(bucket)), 1.01*float64(us), us)
		before = bucket
	}
	require.Less(t, bucketOf(math.MaxInt64), len(new(histogram).buckets))
}

func TestQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, 2, 99, 100, 101, 5000} {
		var h histogram
		values := make([]time.Duration, count)
		for i := range values {
			values[i] = time.Duration(1000 * rand.Int64N(1<<rand.Int64N(24)))
			h.record(values[i])
		}
		slices.Sort(values)
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			exact := values[int(math.Ceil(q*float64(count)))-1]
			got := h.quantile(q)
			assert.GreaterOrEqual(t, got, exact, "%v of %d", q, count)
			assert.LessOrEqual(t, float64(got), 1.01*float64(exact), "%v of %d", q, count)
		}
		assert.Equal(t, values[count-1], h.longest())
		assert.Equal(t, int64(count), h.count.Load())
	}
}

func TestAnEmptyHistogramAnswersZeroAndBelowZeroCountsAsZero(t *testing.T) {
	t.Parallel()
	var h histogram
	assert.Zero(t, h.quantile(0.99))
	h.record(-time.Second)
	assert.Zero(t, h.quantile(0.99))
	assert.Zero(t, h.longest())
	assert.Equal(t, int64(1), h.count.Load())
}

func TestManyMayRecordAtOnce(t *testing.T) {
	t.Parallel()
	var h histogram
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 1000 {
				h.record(time.Duration(i*1000+j) * time.Microsecond)
			}
		})
	}
	all.Wait()
	assert.Equal(t, int64(8000), h.count.Load())
	assert.Equal(t, 7999*time.Microsecond, h.longest())
}
