package failures_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/failures"
)

var errDown = errors.New("down")

// newStreak returns a streak, and what it logs but for the times.
func newStreak() (*failures.Streak, *bytes.Buffer) {
	var logged bytes.Buffer
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	streak := failures.New(failures.Options{
		Began: "it fails", Ended: "it works again", PauseMin: 100 * time.Millisecond, PauseMax: time.Second,
		Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
	})
	return &streak, &logged
}

func TestAStreakIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		streak, logged := newStreak()
		streak.End()
		require.Empty(t, logged.String(), "nothing had failed")
		for range 3 {
			streak.Add(errDown)
			time.Sleep(time.Second)
		}
		require.Equal(t, "level=WARN msg=\"it fails\" error=down\n", logged.String())
		logged.Reset()
		streak.End()
		streak.End()
		require.Equal(t, "level=INFO msg=\"it works again\" after=3s failures=3\n", logged.String())
	})
}

func TestPausesDoubleUpToTheLongestAndBeginAnewWithEachStreak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		streak, _ := newStreak()
		_, failing := streak.RetryAt()
		require.False(t, failing)
		for range 2 {
			for _, pause := range []int{100, 200, 400, 800, 1000, 1000} {
				streak.Add(errDown)
				at, failing := streak.RetryAt()
				require.True(t, failing)
				require.Equal(t, time.Duration(pause)*time.Millisecond, time.Until(at))
			}
			streak.End()
			_, failing := streak.RetryAt()
			require.False(t, failing)
		}
	})
}
