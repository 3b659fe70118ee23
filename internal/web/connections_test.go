package web

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// connect returns both ends of a connection.
func connect(t *testing.T) (client net.Conn, server *connection) {
	t.Helper()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	client, err = net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	conn, err := door{listener}.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return client, conn.(*connection)
}

func TestASilentConnectionIsHungUp(t *testing.T) {
	t.Parallel()
	client, server := connect(t)
	server.hangUp(silent)
	require.Equal(t, int32(fresh), server.phase.Load(), "it is fresh")
	server.phase.Store(silent)
	server.hangUp(silent)
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestARequestThatHasArrivedIsHeardOut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no looking at what has arrived")
	}
	client, server := connect(t)
	_, err := io.WriteString(client, "GE")
	require.NoError(t, err)
	server.hangUp(fresh) // while it is unread
	require.Equal(t, int32(fresh), server.phase.Load())

	_, err = server.Read(make([]byte, 2))
	require.NoError(t, err)
	server.hangUp(fresh) // while the rest is to come
	server.hangUp(silent)
	require.Equal(t, int32(speaking), server.phase.Load())
}

func TestWhatIsReadAfterTheLastLookIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	client, server := connect(t)
	_, err := io.WriteString(client, "GET")
	require.NoError(t, err)
	server.phase.Store(hungUp)
	_, err = server.Read(make([]byte, 3))
	require.ErrorIs(t, err, net.ErrClosed)
}
