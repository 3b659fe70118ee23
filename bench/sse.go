package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
)

// sse is a client of GraphQL over server-sent events, in distinct connections
// mode: one request, whose answer doesn't end.
type sse struct {
	conn net.Conn
	in   *bufio.Reader // what is in the chunks
	data []byte
}

// openSSE asks for the subscription, and reads as far as the answer's header.
func openSSE(conn net.Conn, host string, body []byte) (*sse, error) {
	_, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: %d\r\n\r\n%s",
		host, len(body), body)
	if err != nil {
		return nil, err
	}
	raw := bufio.NewReaderSize(conn, bufferBytes)
	header, err := readHeader(raw)
	if err != nil {
		return nil, err
	}
	if header.status != http.StatusOK {
		return nil, fmt.Errorf("the event stream was refused with status %d", header.status)
	}
	in := io.Reader(raw)
	if header.chunked {
		in = httputil.NewChunkedReader(raw)
	}
	return &sse{conn: conn, in: bufio.NewReaderSize(in, bufferBytes)}, nil
}

// next reads up to an event's empty line. Comments, with which servers keep the
// connection alive, are passed over.
func (s *sse) next() ([]byte, error) {
	var kind string
	s.data = s.data[:0]
	for {
		line, err := s.line()
		if err != nil {
			return nil, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			s.data = append(s.data, value...)
		}
		if len(line) > 0 {
			continue
		}
		switch kind {
		case "next":
			return s.data, nil
		case "complete":
			return nil, endedBy(s.data)
		}
		kind, s.data = "", s.data[:0]
	}
}

// line returns the next one without its end. It is valid until the next call.
func (s *sse) line() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		// Rare and long: it is put together in memory of its own.
		start := bytes.Clone(line)
		var rest []byte
		rest, err = s.in.ReadBytes('\n')
		line = append(start, rest...)
	}
	return bytes.TrimRight(line, "\r\n"), err
}

func (s *sse) close() { _ = s.conn.Close() }
