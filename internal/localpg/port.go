package localpg

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// choosePort returns the port of the last start if it is free, so that a URL
// that somebody noted goes on working, else a free one, and notes it.
func choosePort(dir string) (int, error) {
	note := filepath.Join(dir, "port")
	content, _ := os.ReadFile(note)
	port, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err == nil && portIsFree(port) {
		return port, nil
	}
	if port, err = freePort(); err != nil {
		return 0, err
	}
	return port, os.WriteFile(note, []byte(strconv.Itoa(port)+"\n"), 0o644)
}

func portIsFree(port int) bool {
	if port <= 0 || port > 65535 {
		return false
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
