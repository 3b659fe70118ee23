//go:build unix

package database

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"syscall"

	"github.com/uptrace/bun/driver/pgdriver"
)

// checkAlive tells the pool of a connection that the server has ended since it
// was last used. The driver wouldn't notice before the next query fails, so that
// a restart of PostgreSQL would fail as many as the pool has connections.
func checkAlive(_ context.Context, conn *pgdriver.Conn) error {
	network := conn.Conn()
	if secure, ok := network.(*tls.Conn); ok {
		network = secure.NetConn()
	}
	socket, ok := network.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return driver.ErrBadConn
	}
	// An idle connection has nothing to be read: neither its end nor a last
	// report. Sockets don't block in Go.
	var peeked error
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
	})
	if err != nil || peeked != syscall.EAGAIN {
		return driver.ErrBadConn
	}
	return nil
}
