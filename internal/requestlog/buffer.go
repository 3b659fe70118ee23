package requestlog

import (
	"io"
	"sync"
	"time"
)

const (
	// flushDelayMax is how late a line may be. Written one by one, each would wake
	// whoever reads the log, which costs the two of them more than all that is done
	// for the line before.
	flushDelayMax = 100 * time.Millisecond

	// bufferBytesMax is some hundred lines, and half of what a pipe holds.
	bufferBytesMax = 32 << 10
)

// Buffer gathers a log's lines for a moment, and writes them together. It is
// safe for concurrent use. Whoever reads the log slowly slows down those who
// write it, as without a buffer: no line is dropped.
type Buffer struct {
	out io.Writer

	mu    sync.Mutex
	lines []byte
	// timer is due when there are lines.
	timer  *time.Timer
	closed bool
}

// NewBuffer returns a buffer in front of out. Close it after use, or the last
// lines are lost.
func NewBuffer(out io.Writer) *Buffer {
	b := &Buffer{out: out, lines: make([]byte, 0, bufferBytesMax)}
	b.timer = time.AfterFunc(flushDelayMax, b.Flush)
	return b
}

// Write implements io.Writer.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(line) > bufferBytesMax {
		b.flushLocked()
	}
	if b.closed || len(line) > bufferBytesMax {
		return b.out.Write(line)
	}
	if len(b.lines) == 0 {
		b.timer.Reset(flushDelayMax)
	}
	b.lines = append(b.lines, line...)
	return len(line), nil
}

// Flush writes what was gathered.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushLocked()
}

// Close writes what was gathered. What is written later isn't gathered any more.
func (b *Buffer) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.timer.Stop()
	b.flushLocked()
}

func (b *Buffer) flushLocked() {
	if len(b.lines) > 0 {
		_, _ = b.out.Write(b.lines) // there is nowhere to tell that the log can't be written
		b.lines = b.lines[:0]
	}
}
