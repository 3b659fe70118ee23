package main

import "syscall"

func setReceiveBytes(socket uintptr, bytes int) error {
	return syscall.SetsockoptInt(syscall.Handle(socket), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
}
