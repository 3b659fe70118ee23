package wire

import (
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// Response is one as it is sent: its data, which is JSON already, and what is
// put around it.
type Response struct{ head, data, tail []byte }

var (
	onlyErrorsHead = []byte(`{"errors":`)
	onlyDataHead   = []byte(`{"data":`)
	plainTail      = []byte(`}`)
)

// Encode has a response ready to be sent. One whose data is nil was not carried
// out: it has none, not even null.
func Encode(response *graphql.Response) Response {
	e := Response{head: onlyDataHead, data: response.Data, tail: plainTail}
	if len(response.Errors) > 0 || response.Data == nil {
		e.head = append(onlyErrorsHead[:len(onlyErrorsHead):len(onlyErrorsHead)], encode(response.Errors)...)
		if response.Data != nil {
			e.head = append(e.head, `,"data":`...)
		}
	}
	if len(response.Extensions) > 0 {
		e.tail = append(append([]byte(`,"extensions":`), encode(response.Extensions)...), '}')
	}
	return e
}

func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // errors and extensions are plain
	}
	return encoded
}

// Len is how many bytes the response has.
func (e Response) Len() int { return len(e.head) + len(e.data) + len(e.tail) }

// Bytes are those of the response.
func (e Response) Bytes() []byte {
	text := make([]byte, 0, e.Len())
	return append(append(append(text, e.head...), e.data...), e.tail...)
}

// WriteTo implements io.WriterTo.
func (e Response) WriteTo(w io.Writer) (written int64, err error) {
	for _, part := range [][]byte{e.head, e.data, e.tail} {
		n, err := w.Write(part)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
