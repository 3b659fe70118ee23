package requestlog_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/requestlog"
)

func TestLinesAreWrittenTogetherAfterAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out written
		lines := requestlog.NewBuffer(&out)
		defer lines.Close()
		log := slog.New(requestlog.Handler(slog.NewTextHandler(lines, nil), lines))
		log.Info("first")
		log.Info("second")
		require.Empty(t, out.String())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Contains(t, out.String(), "first")
		require.Contains(t, out.String(), "second")
	})
}

func TestAWarningIsWrittenAtOnceInItsPlace(t *testing.T) {
	t.Parallel()
	var out written
	lines := requestlog.NewBuffer(&out)
	defer lines.Close()
	log := slog.New(requestlog.Handler(slog.NewTextHandler(lines, nil), lines))
	log.Info("first")
	log.Warn("second")
	require.Regexp(t, "(?s)first.*second", out.String())
}

func TestNoLineIsLostOrBroken(t *testing.T) {
	t.Parallel()
	var out written
	lines := requestlog.NewBuffer(&out)
	var writers sync.WaitGroup
	const each = 1000
	for writer := range 4 {
		writers.Go(func() {
			for n := range each {
				fmt.Fprintf(lines, "%d %d %s\n", writer, n, strings.Repeat("x", n%100))
			}
		})
	}
	writers.Wait()
	long := strings.Repeat("y", 100_000)
	fmt.Fprintln(lines, long)
	lines.Close()
	fmt.Fprintln(lines, "late")

	all := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, []string{long, "late"}, all[4*each:])
	next := map[int]int{}
	for _, line := range all[:4*each] {
		var writer, n int
		_, err := fmt.Sscan(line, &writer, &n)
		require.NoError(t, err)
		require.Equal(t, next[writer], n, "each writer's lines keep their order")
		require.True(t, strings.HasSuffix(line, strings.Repeat("x", n%100)))
		next[writer]++
	}
}

// written is what a buffer has written.
type written struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
