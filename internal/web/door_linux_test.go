package web

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABarredDoorStillLetsInWhoCameBefore(t *testing.T) {
	t.Parallel()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	const early = 50
	for range early {
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
	}
	entrance := door{listener}
	require.NoError(t, entrance.bar())
	_, err = net.DialTimeout("tcp", listener.Addr().String(), 50*time.Millisecond)
	require.ErrorContains(t, err, "timeout")
	for range early {
		conn, err := entrance.Accept()
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}
