package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const pgbenchReport = `pgbench (15.18)
number of clients: 32
number of transactions actually processed: 2468
number of failed transactions: 0 (0.000%)
latency average = 26.1 ms
initial connection time = 51.203 ms
tps = 1226.050 (without initial connection time)
`

func TestAReportOfPgbenchIsRead(t *testing.T) {
	t.Parallel()
	done, perSecond, err := parsePgbench([]byte(pgbenchReport))
	require.NoError(t, err)
	assert.Equal(t, int64(2468), done)
	assert.InDelta(t, 1226.05, perSecond, 0)
}

func TestARunOfPgbenchThatDidNothingIsNoError(t *testing.T) {
	t.Parallel()
	done, perSecond, err := parsePgbench([]byte("number of transactions actually processed: 0\nnumber of failed transactions: 0 (NaN%)\n"))
	require.NoError(t, err)
	assert.Zero(t, done)
	assert.Zero(t, perSecond)
}

func TestFailedTransactionsAndOtherReportsAreErrors(t *testing.T) {
	t.Parallel()
	for _, report := range []string{
		"", "tps = 1 (without initial connection time)", "number of transactions actually processed: 7\n",
		"number of transactions actually processed: 7\nnumber of failed transactions: 2 (28.6%)\ntps = 7.0 (without initial connection time)\n",
	} {
		_, _, err := parsePgbench([]byte(report))
		require.Error(t, err, report)
	}
}

func TestLatenciesOfAllThreadsAreReadAndTheirFilesRemoved(t *testing.T) {
	t.Parallel()
	prefix := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(prefix+".77", []byte("0 1 2000 0 1765000000 1\n1 1 4000 0 1765000000 2\n"), 0o600))
	require.NoError(t, os.WriteFile(prefix+".77.1", []byte("2 1 3000 0 1765000000 3\n"), 0o600))
	latencies := new(histogram)
	require.NoError(t, readLatencies(prefix, latencies))
	assert.Equal(t, int64(3), latencies.count.Load())
	assert.InDelta(t, 3*time.Millisecond, latencies.quantile(0.5), float64(30*time.Microsecond))
	assert.Equal(t, 4*time.Millisecond, latencies.longest())
	left, err := filepath.Glob(prefix + "*")
	require.NoError(t, err)
	assert.Empty(t, left)
}
