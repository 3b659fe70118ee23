package web

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Where a TCP header has its flags, and the one that asks for a connection.
const (
	tcpFlagsAt = 13
	tcpSYN     = 1 << 1
)

// bar has the system pass over whoever asks to be let in from now on. Closing
// the door would hang up on those whom the system has let in already, and who
// may have sent their request. Who was passed over asks again after a second,
// and is refused.
func (d door) bar() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: tcpFlagsAt},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: tcpSYN, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	raw, err := d.Listener.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var attached error
	err = raw.Control(func(fd uintptr) {
		attached = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	if err != nil {
		return err
	}
	return attached
}
