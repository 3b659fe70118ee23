package localpg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPostgreSQLTakesAQuarterOfTheMemoryWithinBounds(t *testing.T) {
	t.Parallel()
	for memory, buffers := range map[uint64]uint64{
		0:         128 << 20, // unknown
		256 << 20: 128 << 20,
		2 << 30:   512 << 20,
		24 << 30:  1 << 30,
	} {
		require.Equal(t, buffers, sharedBuffersOf(memory), "of %d", memory)
	}
}
