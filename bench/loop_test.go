package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachCallIsMadeOnceByOneWorkerAtATime(t *testing.T) {
	t.Parallel()
	var made [1000]atomic.Int64
	var busy [8]atomic.Bool
	err := closed(t.Context(), len(busy), below(len(made)), func(_ context.Context, worker, i int) error {
		assert.False(t, busy[worker].Swap(true))
		made[i].Add(1)
		busy[worker].Store(false)
		return nil
	})
	require.NoError(t, err)
	for i := range made {
		require.Equal(t, int64(1), made[i].Load(), i)
	}
}

func TestTheFirstErrorStopsTheLoop(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	err := closed(t.Context(), 4, func(int) bool { return true }, func(_ context.Context, _, i int) error {
		if i == 100 {
			return broken
		}
		return nil
	})
	require.ErrorIs(t, err, broken)
}

func TestAStopEndsBothLoops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, closed(ctx, 2, func(int) bool { return true }, func(context.Context, int, int) error { return nil }), context.Canceled)
	err := paced(ctx, 2, pace{time.Now(), 1, time.Hour}, func(context.Context, int, int, time.Time) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestCallsAreDueAtThePaceWhateverTheOnesBeforeTook(t *testing.T) {
	t.Parallel()
	p := pace{begin: time.Now(), rate: 1000, duration: 50 * time.Millisecond}
	var mu sync.Mutex
	var dues []time.Time
	// One worker, and slower than the pace: all are late, and none is left out.
	err := paced(t.Context(), 1, p, func(ctx context.Context, _, _ int, due time.Time) error {
		mu.Lock()
		defer mu.Unlock()
		dues = append(dues, due)
		assert.False(t, time.Now().Before(due), "made before it was due")
		return sleep(ctx, 2*time.Millisecond)
	})
	require.NoError(t, err)
	require.Len(t, dues, 50)
	for i, due := range dues {
		require.Equal(t, p.begin.Add(time.Duration(i)*time.Millisecond), due)
	}
}

func TestEventuallyTellsWhatBecameSoFromWhatDidNot(t *testing.T) {
	t.Parallel()
	looks := 0
	became, err := eventually(t.Context(), time.Minute, func() bool { looks++; return looks == 3 })
	require.NoError(t, err)
	require.True(t, became)
	became, err = eventually(t.Context(), time.Millisecond, func() bool { return false })
	require.NoError(t, err)
	require.False(t, became)
}
