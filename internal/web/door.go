package web

import (
	"context"
	"net"
)

// Listen has the system take connections for a server.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var settings net.ListenConfig
	settings.SetMultipathTCP(false) // its doors can't be barred
	return settings.Listen(ctx, "tcp", addr)
}

// door lets connections in.
type door struct{ net.Listener }

// Accept implements net.Listener.
func (d door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{TCPConn: conn.(*net.TCPConn)}, nil
}
