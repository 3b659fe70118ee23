package localpg

import (
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
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

func TestAContainerAllowedMoreThanTheMachineHasDoesNotCount(t *testing.T) {
	t.Parallel()
	unknown := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	require.EqualValues(t, 1<<30, least(memlimit.Limit(8<<30), memlimit.Limit(1<<30)))
	require.EqualValues(t, 1<<30, least(memlimit.Limit(1<<30), memlimit.Limit(8<<30)))
	require.EqualValues(t, 1<<30, least(unknown, memlimit.Limit(1<<30)))
	require.Zero(t, least(unknown, unknown))
}
