package transfer

import (
	"io"
	"path/filepath"
	"strings"
)

// Format is how rows are written in a file.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// FormatOf is the format that a file's name ends in; empty if none is known.
func FormatOf(file string) Format {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv":
		return CSV
	case ".jsonl", ".ndjson":
		return JSONLines
	}
	return ""
}

// Reader reads rows.
type Reader interface {
	// Read returns the next row, or a *RowError, after which it can be called
	// again, or io.EOF after the last.
	Read() (Row, error)
}

// NewReader returns a reader of the format. The error says what is wrong with
// the file's head.
func NewReader(format Format, in io.Reader) (Reader, error) {
	if format == CSV {
		return newCSVReader(in)
	}
	return newJSONReader(in), nil
}

// Writer writes rows. The last of them are written by Flush.
type Writer interface {
	Write(Row) error
	Flush() error
}

// NewWriter returns a writer of the format.
func NewWriter(format Format, out io.Writer) Writer {
	if format == CSV {
		return newCSVWriter(out)
	}
	return newJSONWriter(out)
}
