package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUsageIsReadWhateverTheProcessIsCalled(t *testing.T) {
	t.Parallel()
	status := "Name:\ta) b\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t7\n"
	stat := "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 7 0 100 1 1"
	u, err := parseUsage([]byte(status), []byte(stat))
	require.NoError(t, err)
	assert.Equal(t, usage{resident: 1 << 20, residentPeak: 2 << 20, cpu: 2 * time.Second}, u)
}

func TestUsageThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	for _, stat := range []string{"", "42 (x) S 1", ")"} {
		_, err := parseUsage([]byte("VmHWM: 1 kB\nVmRSS: 1 kB\n"), []byte(stat))
		require.Error(t, err, stat)
	}
	_, err := parseUsage(nil, []byte("42 (x) S 1 42 42 0 -1 0 1 2 3 4 150 50"))
	require.Error(t, err)
}

func TestOurOwnUsageIsKnownOnLinux(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	u, err := usageOf(os.Getpid())
	require.NoError(t, err)
	assert.Positive(t, u.resident)
	assert.GreaterOrEqual(t, u.residentPeak, u.resident)
}

func TestTheMachinesWorkIsAllButWaitingAndWhatOthersTook(t *testing.T) {
	t.Parallel()
	busy, err := parseBusy([]byte("cpu  100 20 30 9999 9999 4 6 777 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	require.NoError(t, err)
	assert.Equal(t, 1600*time.Millisecond, busy)
	for _, stat := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h"} {
		_, err := parseBusy([]byte(stat))
		require.Error(t, err, stat)
	}
}
