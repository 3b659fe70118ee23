package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// webSocket is a client of graphql-transport-ws with one subscription. Frames
// are read in place, into one small buffer.
type webSocket struct {
	conn net.Conn
	// buffer[read:filled] came and is yet to be looked at.
	buffer       []byte
	read, filled int
	whole        []byte // of a message in several frames
}

const (
	opContinuation = 0x0
	opText         = 0x1
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	frameFinal  = 0x80
	frameMasked = 0x80
	opMask      = 0x0F

	// messageBytesMax is more than any event of ours has.
	messageBytesMax = 1 << 20
)

// openWebSocket takes the connection as far as a subscription that is asked for.
func openWebSocket(conn net.Conn, host string, body []byte) (*webSocket, error) {
	in, err := shakeHands(conn, host)
	if err != nil {
		return nil, err
	}
	w := &webSocket{conn: conn, buffer: make([]byte, bufferBytes)}
	w.filled, _ = io.ReadFull(in, w.buffer[:in.Buffered()])
	if err := w.say(`{"type":"connection_init"}`); err != nil {
		return nil, err
	}
	for {
		message, err := w.message()
		if err != nil {
			return nil, err
		}
		if kind, _ := stringAfter(message, "type"); string(kind) == "connection_ack" {
			break
		}
	}
	return w, w.say(`{"id":"1","type":"subscribe","payload":` + string(body) + `}`)
}

// shakeHands makes the connection a WebSocket, and returns what to read on from.
func shakeHands(conn net.Conn, host string) (*bufio.Reader, error) {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails: it ends the program first
	_, err := fmt.Fprintf(conn, "GET /graphql HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
		host, base64.StdEncoding.EncodeToString(key))
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(conn, bufferBytes)
	header, err := readHeader(in)
	if err == nil && header.status != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the WebSocket was refused with status %d", header.status)
	}
	return in, err
}

func (w *webSocket) next() ([]byte, error) {
	for {
		message, err := w.message()
		if err != nil {
			return nil, err
		}
		// The type is the server's own key: in the payload of an event there is
		// none, for no query of ours selects a field of that name, and in a
		// string its quotes would be escaped.
		switch kind, _ := stringAfter(message, "type"); string(kind) {
		case "next":
			return message, nil
		case "ping":
			if err := w.say(`{"type":"pong"}`); err != nil {
				return nil, err
			}
		case "error", "complete":
			return nil, endedBy(message)
		}
	}
}

func (w *webSocket) close() { _ = w.conn.Close() }

// say sends one text message.
func (w *webSocket) say(text string) error { return w.send(opText, []byte(text)) }

// send writes one frame. The mask that clients must use may be zero: it is
// there to protect proxies from scripts.
func (w *webSocket) send(op byte, payload []byte) error {
	frame := make([]byte, 0, len(payload)+14)
	frame = append(frame, frameFinal|op)
	switch {
	case len(payload) < 126:
		frame = append(frame, frameMasked|byte(len(payload)))
	case len(payload) < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, frameMasked|126), uint16(len(payload)))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, frameMasked|127), uint64(len(payload)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := w.conn.Write(append(frame, payload...))
	return err
}

// message returns the next text message, and answers what else comes.
func (w *webSocket) message() ([]byte, error) {
	w.whole = w.whole[:0]
	for {
		first, payload, err := w.frame()
		if err != nil {
			return nil, err
		}
		switch first & opMask {
		case opText, opContinuation:
			if first&frameFinal != 0 && len(w.whole) == 0 {
				return payload, nil
			}
			if w.whole = append(w.whole, payload...); first&frameFinal != 0 {
				return w.whole, nil
			}
		case opPing:
			if err := w.send(opPong, payload); err != nil {
				return nil, err
			}
		case opClose:
			return nil, closedBy(payload)
		}
	}
}

func closedBy(payload []byte) error {
	if len(payload) < 2 {
		return errors.New("the server closed the WebSocket")
	}
	return fmt.Errorf("the server closed the WebSocket with %d %s", binary.BigEndian.Uint16(payload), bytes.ToValidUTF8(payload[2:], nil))
}

// frame returns a frame's first byte and its payload, in the buffer.
func (w *webSocket) frame() (first byte, payload []byte, err error) {
	head, err := w.take(2)
	if err != nil {
		return 0, nil, err
	}
	first = head[0]
	length := uint64(head[1])
	switch {
	case length&frameMasked != 0:
		return 0, nil, errors.New("the server masked a frame")
	case length == 126:
		if head, err = w.take(2); err != nil {
			return 0, nil, err
		}
		length = uint64(binary.BigEndian.Uint16(head))
	case length == 127:
		if head, err = w.take(8); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(head)
	}
	if length > messageBytesMax || len(w.whole)+int(length) > messageBytesMax {
		return 0, nil, fmt.Errorf("a message of over %d bytes", messageBytesMax)
	}
	payload, err = w.take(int(length))
	return first, payload, err
}

// take returns the next so many bytes, which stay where they are until the next
// frame is asked for.
func (w *webSocket) take(count int) ([]byte, error) {
	for w.filled-w.read < count {
		if w.read > 0 {
			w.filled = copy(w.buffer, w.buffer[w.read:w.filled])
			w.read = 0
		}
		if count > len(w.buffer) {
			w.buffer = append(w.buffer, make([]byte, 2*count-len(w.buffer))...)
		}
		n, err := w.conn.Read(w.buffer[w.filled:])
		if w.filled += n; err != nil && w.filled < count {
			return nil, err
		}
	}
	taken := w.buffer[w.read : w.read+count]
	w.read += count
	return taken, nil
}

// nag behaves as a client that no longer reads, but still says that it is
// there, until the server has closed the connection or ctx ends. It returns
// whether it was closed.
func (w *webSocket) nag(every time.Duration, done <-chan struct{}) bool {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		_ = w.conn.SetWriteDeadline(time.Now().Add(every))
		err := w.send(opPong, nil)
		if err == nil {
			err = w.say(`{"type":"pong"}`)
		}
		// A server that doesn't read either has not closed.
		var timeout net.Error
		if err != nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
			return true
		}
		select {
		case <-ticker.C:
		case <-done:
			return false
		}
	}
}
