// Package scalar reads and writes the schema's scalars. What a scalar refuses
// never reaches a resolver.
package scalar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Error is a value that a scalar refuses, in a sentence for the client.
type Error struct{ message string }

func (e *Error) Error() string { return e.message }

func refuse(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

const (
	// longMax is the largest whole number that every JSON reader keeps exactly.
	longMax = 1<<53 - 1

	jsonBytesMax = 16 << 10
	jsonDepthMax = 32

	// dateTimeForm is RFC 3339 in UTC, to the microsecond, which is what the
	// database keeps.
	dateTimeForm = "2006-01-02T15:04:05.000000Z"
)

// MarshalInt writes Int.
func MarshalInt(n int32) graphql.Marshaler { return whole(int64(n)) }

// UnmarshalInt reads Int: strictly 32 bits, and never a string.
func UnmarshalInt(v any) (int32, error) {
	n, err := integer(v)
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, refuse("Int is a whole number of 32 bits")
	}
	return int32(n), nil
}

// MarshalLong writes Long.
func MarshalLong(n int64) graphql.Marshaler { return whole(n) }

// UnmarshalLong reads Long: a number, never a string.
func UnmarshalLong(v any) (int64, error) {
	n, err := integer(v)
	if err != nil || n < -longMax || n > longMax {
		return 0, refuse("Long is a whole number from %d to %d", -int64(longMax), int64(longMax))
	}
	return n, nil
}

func whole(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var digits [20]byte
		_, _ = w.Write(strconv.AppendInt(digits[:0], n, 10))
	})
}

func integer(v any) (int64, error) {
	switch v := v.(type) {
	case int64: // in the query
		return v, nil
	case json.Number: // in a variable
		return strconv.ParseInt(v.String(), 10, 64)
	default:
		return 0, strconv.ErrSyntax
	}
}

// MarshalDateTime writes DateTime.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(t.UTC().AppendFormat(make([]byte, 0, 32), `"`+dateTimeForm+`"`))
	})
}

// UnmarshalDateTime reads DateTime: RFC 3339 with any offset, cut to the
// microsecond.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	t, err := time.Parse(time.RFC3339Nano, s)
	if year := t.UTC().Year(); !ok || err != nil || year < 1 || year > 9999 {
		return time.Time{}, refuse("DateTime is a moment in RFC 3339, such as 2026-01-31T12:00:00Z")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// MarshalJSON writes JSON.
func MarshalJSON(object json.RawMessage) graphql.Marshaler {
	if object == nil {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(object) })
}

// UnmarshalJSON reads JSON: an object that the database can keep. The same
// object always becomes the same bytes.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("JSON is an object")
	}
	if err := checkJSON(object, 1); err != nil {
		return nil, err
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, refuse("JSON is an object")
	}
	text := bytes.TrimSpace(encoded.Bytes())
	if len(text) > jsonBytesMax {
		return nil, refuse("JSON is at most %d bytes", jsonBytesMax)
	}
	return text, nil
}

func checkJSON(value any, depth int) error {
	if depth > jsonDepthMax {
		return refuse("JSON is at most %d levels deep", jsonDepthMax)
	}
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if err := checkJSON(key, depth); err != nil {
				return err
			}
			if err := checkJSON(member, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, member := range value {
			if err := checkJSON(member, depth+1); err != nil {
				return err
			}
		}
	case string:
		if strings.ContainsRune(value, 0) {
			return refuse("JSON has no NUL characters")
		}
	case json.Number:
		if _, err := value.Float64(); err != nil {
			return refuse("JSON has no numbers beyond double precision")
		}
	}
	return nil
}
