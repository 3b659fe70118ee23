package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsBoundedByWhatIsInUse(t *testing.T) {
	t.Parallel()
	require.Equal(t, garbagePercentMax, garbagePercent(0))
	require.Equal(t, garbagePercentMax, garbagePercent(20<<20), "an idle server, and a busy one")
	require.Equal(t, 114, garbagePercent(100<<20))
	require.Equal(t, garbagePercentMin, garbagePercent(100<<30))
}
