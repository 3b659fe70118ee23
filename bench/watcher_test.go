package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// newWatcher has been told these versions of its SKUs, each at its milliseconds.
func newWatcher(t *testing.T, skus []int, told ...[3]int) *watcher {
	t.Helper()
	one := &watcher{skus: skus, heard: make(map[int][]heard), resumed: make(map[int]bool)}
	for _, e := range told {
		require.NoError(t, one.hear(fmt.Appendf(nil, `{"sku":"bench-x-%05d","version":%d}`, e[0], e[1]), at(e[2])))
	}
	return one
}

func changesOf(made map[int][][3]int) *changes {
	c := newChanges()
	for sku, all := range made {
		for _, one := range all {
			c.add(sku, change{version: int64(one[0]), sent: at(one[1]), answered: at(one[2])})
		}
	}
	return c
}

func TestAChangeIsDeliveredWithTheFirstVersionAtOrAboveItsOwn(t *testing.T) {
	t.Parallel()
	made := changesOf(map[int][][3]int{7: {{4, 40, 45}, {3, 30, 35}, {2, 20, 25}}})
	one := newWatcher(t, []int{7}, [3]int{7, 1, 0}, [3]int{7, 2, 24}, [3]int{7, 4, 50})
	got := newTold()
	got.compare(made, one, time.Time{}, at(1000))
	assert.Zero(t, got.missing)
	assert.Equal(t, int64(3), got.fromSent.count.Load())
	assert.Equal(t, 20*time.Millisecond, got.fromSent.longest(), "version 3 came with 4")
	assert.Equal(t, 15*time.Millisecond, got.fromAnswered.longest())
	assert.Zero(t, got.fromAnswered.quantile(0.1), "version 2 came before its answer")
}

func TestWhatIsKnownFromTheStartIsNoDeliveryAndWhatNeverComesIsMissing(t *testing.T) {
	t.Parallel()
	made := changesOf(map[int][][3]int{1: {{2, 10, 11}, {3, 20, 21}}, 2: {{2, 30, 31}}, 3: {{2, 40, 41}}})
	one := newWatcher(t, []int{1, 2}, [3]int{1, 2, 12}, [3]int{2, 1, 12}, [3]int{1, 3, 22})
	got := newTold()
	got.compare(made, one, time.Time{}, at(1000))
	assert.Equal(t, int64(1), got.fromSent.count.Load())
	assert.Equal(t, int64(1), got.missing, "of SKU 2; SKU 3 is not followed")
}

func TestOnlyChangesOfTheTimeAskedForAreCompared(t *testing.T) {
	t.Parallel()
	made := changesOf(map[int][][3]int{1: {{2, 10, 11}, {3, 20, 21}, {4, 30, 31}}})
	one := newWatcher(t, []int{1}, [3]int{1, 1, 0}, [3]int{1, 2, 12}, [3]int{1, 3, 25}, [3]int{1, 4, 70})
	got := newTold()
	got.compare(made, one, at(20), at(30))
	assert.Equal(t, int64(1), got.fromSent.count.Load())
	assert.Equal(t, 5*time.Millisecond, got.fromSent.longest())
}

func TestVersionsThatDoNotRiseAreCounted(t *testing.T) {
	t.Parallel()
	one := newWatcher(t, []int{1, 2}, [3]int{1, 5, 0}, [3]int{2, 1, 0}, [3]int{1, 5, 1}, [3]int{1, 4, 2}, [3]int{1, 6, 3})
	assert.Equal(t, int64(2), one.notRisen)

	// Who comes back is told the present state, once.
	one.resumed[1] = true
	require.NoError(t, one.hear([]byte(`{"sku":"bench-x-00001","version":6}`), at(4)))
	assert.Equal(t, int64(2), one.notRisen)
	require.NoError(t, one.hear([]byte(`{"sku":"bench-x-00001","version":6}`), at(5)))
	assert.Equal(t, int64(3), one.notRisen)
	one.resumed[1] = true
	require.NoError(t, one.hear([]byte(`{"sku":"bench-x-00001","version":5}`), at(6)))
	assert.Equal(t, int64(4), one.notRisen)
}

func TestAWatcherHasReachedWhatItWasLastTold(t *testing.T) {
	t.Parallel()
	one := newWatcher(t, []int{1, 2}, [3]int{1, 5, 0}, [3]int{2, 3, 0})
	assert.True(t, one.hasReached(map[int]int64{1: 5, 2: 2, 3: 9}))
	assert.False(t, one.hasReached(map[int]int64{1: 6}))
	assert.True(t, one.knowsAll())
	require.Error(t, one.hear([]byte(`{"errors":[]}`), at(1)))
}

func TestEverySKUIsFollowedByAsMany(t *testing.T) {
	t.Parallel()
	followers := make(map[int]int)
	for i := range 200 {
		numbers := window(i, 50, 1000)
		require.Len(t, numbers, 50)
		for _, number := range numbers {
			followers[number]++
		}
	}
	require.Len(t, followers, 1000)
	for _, count := range followers {
		require.Equal(t, 10, count)
	}
}

func TestAWatcherIsBehindSinceTheNextChangeWasSent(t *testing.T) {
	t.Parallel()
	made := changesOf(map[int][][3]int{1: {{2, 100, 105}, {3, 200, 205}, {4, 300, 305}}}).sorted(1)
	one := newWatcher(t, []int{1}, [3]int{1, 1, 0}, [3]int{1, 2, 110}, [3]int{1, 4, 350})
	assert.Equal(t, 150*time.Millisecond, one.longestBehind(1, made, at(1000)), "2 was out of date since 3 was sent; 4 is the latest")
	assert.Equal(t, 350*time.Millisecond, one.toldAt(1, 3).since(noon))
	assert.Zero(t, one.toldAt(1, 5))

	one = newWatcher(t, []int{1}, [3]int{1, 1, 0}, [3]int{1, 2, 110})
	assert.Equal(t, 800*time.Millisecond, one.longestBehind(1, made, at(1000)), "and still is")
}

func TestFollowersAreComparedWithTheLog(t *testing.T) {
	t.Parallel()
	wanted := map[entryKey]bool{{1, 2}: true, {1, 3}: true, {2, 2}: true}
	f := &following{followers: []*follower{
		{count: map[entryKey]int{{1, 2}: 1, {1, 3}: 1, {2, 2}: 1}},
		{skus: []int{2}, count: map[entryKey]int{{2, 2}: 1}},
	}}
	assert.Equal(t, findings{}, f.compare(wanted))
	f.followers = append(f.followers, &follower{count: map[entryKey]int{{1, 2}: 3, {9, 9}: 1}, disorder: 1, resumed: 4})
	assert.Equal(t, findings{missing: 2, repeated: 2, unknown: 1, disorder: 1, resumed: 4}, f.compare(wanted))
}
