//go:build unix

package web

import (
	"net"
	"syscall"
)

// hasUnread says whether a read would return at once, be it with the end.
func hasUnread(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	var peeked error
	err = raw.Control(func(fd uintptr) { // sockets don't block in Go
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
	})
	return err != nil || peeked != syscall.EAGAIN
}
