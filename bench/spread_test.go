package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheSKUsOfAHoldAreAllDifferent(t *testing.T) {
	t.Parallel()
	for _, p := range []picker{evenly(batchLines), byPopularity(batchLines)} {
		pick, skus := p(), make([]int, batchLines)
		for range 100 {
			pick(skus)
			sorted := slices.Sorted(slices.Values(skus))
			assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, sorted)
		}
	}
}

func TestTheFirstSKUsAreThePopularOnes(t *testing.T) {
	t.Parallel()
	pick, counts, sku := byPopularity(1000)(), make([]int, 1000), make([]int, 1)
	for range 20_000 {
		pick(sku)
		counts[sku[0]]++
	}
	assert.Greater(t, counts[0], counts[9])
	assert.Greater(t, counts[9], counts[99])
	assert.Greater(t, counts[0], 20_000/20, "a shop's best seller")
}
