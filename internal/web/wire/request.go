// Package wire reads GraphQL requests and writes responses, in JSON, for all
// transports.
package wire

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
)

// Read returns what an HTTP request asks for: in its body of at most so many
// bytes, or, by GET, in its URL.
func Read(r *http.Request, bytesMax int64) (*graphql.RawParams, *Refusal) {
	d := decoders.Get().(*decoder)
	defer d.release()
	var params *graphql.RawParams
	var refused *Refusal
	if r.Method == http.MethodGet {
		params, refused = d.fromURL(r.URL)
	} else if refused = d.fill(r, bytesMax); refused == nil {
		params, refused = d.fromBody(d.body, "body")
	}
	if refused == nil && params.Query == "" && params.Extensions["persistedQuery"] == nil {
		refused = &Refusal{Status: http.StatusBadRequest, Code: errcode.ValidationFailed, Message: "the request has no query"}
	}
	return params, refused
}

// Decode returns what a message asks for.
func Decode(message []byte) (*graphql.RawParams, *Refusal) {
	d := decoders.Get().(*decoder)
	defer d.release()
	return d.fromBody(message, "payload")
}

// fill reads the request's body.
func (d *decoder) fill(r *http.Request, bytesMax int64) *Refusal {
	if r.ContentLength > bytesMax {
		return tooLarge(bytesMax)
	}
	// One more than it should take, to see its end. Not all of a large one at
	// once: a client may announce it and send nothing.
	if wanted := min(max(r.ContentLength+1, readBytesMin), readBytesMax); int64(cap(d.body)) < wanted {
		d.body = make([]byte, 0, wanted)
	}
	d.body = d.body[:0]
	for {
		n, err := r.Body.Read(d.body[len(d.body):cap(d.body)])
		d.body = d.body[:len(d.body)+n]
		switch {
		case int64(len(d.body)) > bytesMax:
			return tooLarge(bytesMax)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return malformed(http.StatusRequestTimeout, "the body did not come in time")
		case err != nil:
			return malformed(http.StatusBadRequest, "the body did not come whole")
		case len(d.body) == cap(d.body):
			d.body = append(d.body, 0)[:len(d.body)]
		}
	}
}

func tooLarge(bytesMax int64) *Refusal {
	return over(http.StatusRequestEntityTooLarge, Limit{Name: "body", Max: bytesMax},
		"the request's body has more bytes than it may: HOLDFAST_BODY_BYTES_MAX is %d", bytesMax)
}

// fromBody reads an object with the request's parameters.
func (d *decoder) fromBody(text []byte, what string) (*graphql.RawParams, *Refusal) {
	if !utf8.Valid(text) {
		return nil, malformed(http.StatusBadRequest, "the %s is not UTF-8", what)
	}
	d.begin(text)
	if d.ended() {
		return nil, malformed(http.StatusBadRequest, "the request has no %s", what)
	}
	switch d.next() {
	case '[':
		return nil, over(http.StatusUnprocessableEntity, Limit{Name: "batch", Max: 1}, "a request is one operation: batches are not taken")
	case '{':
	default:
		if _, err := d.whole(); err != nil {
			return nil, d.unreadable(what, err)
		}
		return nil, malformed(http.StatusUnprocessableEntity, "the %s is not a JSON object", what)
	}
	params := &graphql.RawParams{}
	err := d.members(func(name string) (err error) {
		switch name {
		case "query":
			params.Query, err = d.textOf(name)
		case "operationName":
			params.OperationName, err = d.textOf(name)
		case "variables":
			params.Variables, err = d.objectOf(name)
		case "extensions":
			params.Extensions, err = d.objectOf(name)
		default: // reserved, and to be passed over
			_, err = d.value()
		}
		return err
	})
	if err == nil && !d.ended() {
		err = errSyntax
	}
	if err != nil {
		return nil, d.unreadable(what, err)
	}
	return params, nil
}

// textOf reads a parameter that is a string, or null.
func (d *decoder) textOf(name string) (string, error) {
	switch d.next() {
	case '"':
		text, err := d.quoted()
		return d.sameText(text), err
	case 'n':
		return "", d.word("null")
	default:
		return "", &kindError{name, "a string"}
	}
}

// objectOf reads a parameter that is an object, or null.
func (d *decoder) objectOf(name string) (map[string]any, error) {
	switch d.next() {
	case '{':
		return d.object()
	case 'n':
		return nil, d.word("null")
	default:
		return nil, &kindError{name, "an object"}
	}
}

// kindError is a parameter of another kind than it has to be.
type kindError struct{ name, kind string }

func (e *kindError) Error() string { return e.name + " is not " + e.kind }

// unreadable says why what was to be read couldn't be.
func (d *decoder) unreadable(what string, err error) *Refusal {
	var kind *kindError
	switch {
	case errors.As(err, &kind):
		return malformed(http.StatusBadRequest, "%v", kind)
	case errors.Is(err, errDepth):
		return over(http.StatusBadRequest, Limit{Name: "nesting", Max: depthMax}, "the %s is nested more than %d deep", what, depthMax)
	default:
		return malformed(http.StatusBadRequest, "the %s is not JSON: see byte %d", what, d.at)
	}
}

// fromURL reads the parameters of a GET. An empty one is none.
func (d *decoder) fromURL(from *url.URL) (*graphql.RawParams, *Refusal) {
	given, err := url.ParseQuery(from.RawQuery)
	if err != nil {
		return nil, malformed(http.StatusBadRequest, "the URL's query is not well-formed")
	}
	// The query is copied: who remembers it would otherwise keep all of the URL,
	// which may be a thousand times as long.
	params := &graphql.RawParams{Query: strings.Clone(given.Get("query")), OperationName: given.Get("operationName")}
	if !utf8.ValidString(params.Query) || !utf8.ValidString(params.OperationName) {
		return nil, malformed(http.StatusBadRequest, "the URL's query is not UTF-8")
	}
	var refused *Refusal
	if params.Variables, refused = d.objectIn(given, "variables"); refused != nil {
		return nil, refused
	}
	if params.Extensions, refused = d.objectIn(given, "extensions"); refused != nil {
		return nil, refused
	}
	return params, nil
}

// objectIn reads a parameter that the URL has as JSON.
func (d *decoder) objectIn(given url.Values, name string) (map[string]any, *Refusal) {
	text := []byte(given.Get(name))
	if len(text) == 0 {
		return nil, nil
	}
	if !utf8.Valid(text) {
		return nil, malformed(http.StatusBadRequest, "%s is not UTF-8", name)
	}
	d.begin(text)
	object, err := d.objectOf(name)
	if err == nil && !d.ended() {
		err = errSyntax
	}
	if err != nil {
		return nil, d.unreadable("text of "+name, err)
	}
	return object, nil
}

// RefuseByGet says why an operation can't be asked for by GET, if it can't.
func RefuseByGet(operation *ast.OperationDefinition) *Refusal {
	if operation == nil || operation.Operation != ast.Mutation {
		return nil
	}
	return &Refusal{Status: http.StatusMethodNotAllowed, Code: errcode.ValidationFailed, Message: "a mutation needs POST or a WebSocket"}
}
