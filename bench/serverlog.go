package main

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"os"
	"strings"
)

// serverLog is what a server logs, in a file: so it costs what it costs an
// operator, and nothing here.
type serverLog struct {
	file *os.File
	// words are what is left of it once it is closed.
	words string
}

func newServerLog(dir string) (*serverLog, error) {
	file, err := os.CreateTemp(dir, "server-*.log")
	return &serverLog{file: file}, err
}

// close removes the file, which grows by megabytes a second, and remembers the
// last words.
func (l *serverLog) close() {
	l.words = l.String()
	_ = l.file.Close()
	_ = os.Remove(l.file.Name())
}

// String is what was said last, beside that all is well.
func (l *serverLog) String() string {
	if l.words != "" {
		return l.words
	}
	return lastWords(io.NewSectionReader(l.file, 0, math.MaxInt64)) // not by Seek: the server shares the place in the file
}

const wordsBytesMax = 8 << 10

func lastWords(log io.Reader) string {
	var words []byte
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if !bytes.Contains(line, []byte(`"level":"INFO"`)) {
			words = append(words, line...)
			words = words[max(0, len(words)-wordsBytesMax):]
		}
		if err != nil {
			return strings.TrimSpace(string(words))
		}
	}
}
