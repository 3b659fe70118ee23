package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/joho/godotenv"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readDotenv returns the variables of the file at path. Its errors name the
// file and the line and show nothing of what is in it.
func readDotenv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: %w", path, errors.Unwrap(err))
	}
	values, readable := parseDotenv(content)
	if !readable {
		return nil, fmt.Errorf(`%s, line %d is not NAME=value, NAME="value" or a # comment`, path, unreadableLine(content))
	}
	return values, nil
}

func parseDotenv(content []byte) (values map[string]string, readable bool) {
	values, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, false
	}
	// The parser takes spaces into a name, and a last line without = as the
	// value of a variable without a name.
	for name := range values {
		if !variableName.MatchString(name) {
			return nil, false
		}
	}
	return values, true
}

// unreadableLine finds the line, counted from 1, where a file stops being
// readable; the parser's errors say what is wrong but not where. What comes
// before that line is readable, and nothing that includes it is; so it follows
// the longest readable beginning. (The shortest unreadable one may only be cut
// within quotes.)
func unreadableLine(content []byte) int {
	lines := bytes.SplitAfter(content, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		if _, readable := parseDotenv(bytes.Join(lines[:n], nil)); readable {
			return n + 1
		}
	}
	return 1
}
