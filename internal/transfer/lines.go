package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// recordBytesMax bounds a row as it stands in its file. Metadata of 16 kB takes
// six times as much where each character is escaped.
const recordBytesMax = 256 << 10

// errTooLong says that a row passes recordBytesMax. The rest of its last line
// was left out.
var errTooLong = errors.New("too long")

const byteOrderMark = "\uFEFF"

// lines is a file that is read no further than to the end of a line at once, so
// that whoever reads from it is at the line that it says.
type lines struct {
	in *bufio.Reader
	// number is that of the line that was read last, or is being read.
	number int
	within bool
	// taken counts the bytes of the record so far.
	taken int
	chunk [4096]byte
}

func newLines(in io.Reader) *lines {
	l := &lines{in: bufio.NewReaderSize(in, 64<<10)}
	if start, _ := l.in.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = l.in.Discard(len(byteOrderMark))
	}
	return l
}

// begin says that the next byte begins a record.
func (l *lines) begin() { l.taken = 0 }

// Read implements io.Reader. It returns errTooLong instead of more of a record
// than there may be, and then goes on with the next line.
func (l *lines) Read(p []byte) (int, error) {
	if _, err := l.in.Peek(1); err != nil {
		return 0, err
	}
	ahead, _ := l.in.Peek(min(len(p), l.in.Buffered()))
	n := bytes.IndexByte(ahead, '\n') + 1
	ended := n > 0
	if !ended {
		n = len(ahead)
	}
	copy(p, ahead[:n])
	_, _ = l.in.Discard(n) // they are buffered

	if !l.within {
		l.number++
	}
	l.within = !ended
	l.taken += n
	if l.taken > recordBytesMax {
		l.skipLine()
		return 0, errTooLong
	}
	return n, nil
}

func (l *lines) skipLine() {
	for l.within {
		// An error of the file comes again with the next line.
		_, err := l.in.ReadSlice('\n')
		l.within = errors.Is(err, bufio.ErrBufferFull)
	}
}

// next reads a line that is a record, without its end, into buffer.
func (l *lines) next(buffer []byte) ([]byte, error) {
	l.begin()
	line := buffer[:0]
	for {
		n, err := l.Read(l.chunk[:])
		line = append(line, l.chunk[:n]...)
		switch {
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil && !l.within:
			return bytes.TrimRight(line, "\r\n"), nil
		case err != nil:
			return line, err
		}
	}
}
