package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// callTimeout is longer than a server takes over any request.
const callTimeout = 60 * time.Second

// caller posts GraphQL requests over one connection, which it keeps, one at a
// time. It costs a fraction of what http.Client does, on the processors that
// the server has to share with it.
type caller struct {
	ctx    context.Context
	host   string
	head   string // of a request, up to the length of its body
	conn   net.Conn
	forget func() bool
	in     *bufio.Reader
	out    []byte
	body   bytes.Buffer
}

// newCaller returns a caller of the server at serverURL that works as long as
// ctx does. It connects when it is first used, and anew after an error.
func newCaller(ctx context.Context, serverURL string) (*caller, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, err
	}
	return &caller{
		ctx:  ctx,
		host: hostPort(u),
		head: "POST /graphql HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: application/json\r\nContent-Length: ",
	}, nil
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// post sends a body and returns the answer's, which is valid until the next
// call. What the server answers is an answer, whatever its status.
func (c *caller) post(body []byte) ([]byte, error) {
	c.out = c.appendRequest(c.out[:0], body)
	return c.send(c.out)
}

// appendRequest appends the whole request that posts this body.
func (c *caller) appendRequest(request, body []byte) []byte {
	request = append(request, c.head...)
	request = strconv.AppendInt(request, int64(len(body)), 10)
	request = append(request, "\r\n\r\n"...)
	return append(request, body...)
}

// send is post for a request that is whole already.
func (c *caller) send(request []byte) ([]byte, error) {
	answer, err := c.exchange(request)
	if err != nil {
		c.close()
	}
	return answer, err
}

func (c *caller) exchange(request []byte) ([]byte, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	return c.readAnswer()
}

// connect does nothing where the connection is there.
func (c *caller) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: callTimeout}).DialContext(c.ctx, "tcp", c.host)
	if err != nil {
		return err
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
	c.forget = context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	return nil
}

func (c *caller) close() {
	if c.conn != nil {
		c.forget()
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *caller) readAnswer() ([]byte, error) {
	header, err := readHeader(c.in)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	switch {
	case header.chunked:
		_, err = c.body.ReadFrom(httputil.NewChunkedReader(c.in))
		if err == nil {
			_, err = c.in.ReadSlice('\n') // the empty line behind the last chunk
		}
	case header.length >= 0:
		_, err = io.CopyN(&c.body, c.in, header.length)
	default:
		err = errors.New("an answer without a length")
	}
	if err != nil {
		return nil, err
	}
	if header.closes {
		c.close()
	}
	return c.body.Bytes(), nil
}

// header is what matters of an answer's.
type header struct {
	status  int
	length  int64 // -1 where it isn't said
	chunked bool
	closes  bool
}

func readHeader(in *bufio.Reader) (header, error) {
	h := header{length: -1}
	line, err := in.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return h, fmt.Errorf("not an HTTP answer: %q", line)
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, fmt.Errorf("not an HTTP status: %q", line)
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return h, err
		}
		name, value, found := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !found {
			return h, nil
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return h, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			h.closes = bytes.EqualFold(value, []byte("close"))
		}
	}
}
