package garbage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsBoundedByWhatIsInUse(t *testing.T) {
	t.Parallel()
	require.Equal(t, percentMax, percentOf(0))
	require.Equal(t, percentMax, percentOf(20<<20), "an idle server, and a busy one")
	require.Equal(t, 114, percentOf(100<<20))
	require.Equal(t, percentMin, percentOf(100<<30))
}
