package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Answers and events are not unmarshalled while load is on: the few values that
// are looked for are found by their keys, which our queries select once.

// numberAfter returns the number behind a key, such as "version".
func numberAfter(text []byte, key string) (int64, bool) {
	value := valueAfter(text, key)
	end := 0
	for end < len(value) && (value[end] == '-' || value[end] >= '0' && value[end] <= '9') {
		end++
	}
	number, err := strconv.ParseInt(string(value[:end]), 10, 64)
	return number, err == nil
}

// stringAfter returns the string behind a key, if it has no escapes in it, as
// codes, SKUs, ids, times and cursors have none.
func stringAfter(text []byte, key string) ([]byte, bool) {
	value := valueAfter(text, key)
	if len(value) == 0 || value[0] != '"' {
		return nil, false
	}
	end := bytes.IndexByte(value[1:], '"')
	if end < 0 {
		return nil, false
	}
	return value[1 : 1+end], true
}

// valueAfter returns what follows a key and its colon, or nothing.
func valueAfter(text []byte, key string) []byte {
	for {
		at := bytes.Index(text, []byte(key))
		if at < 0 {
			return nil
		}
		before := at > 0 && text[at-1] == '"'
		text = text[at+len(key):]
		if before && len(text) > 2 && text[0] == '"' && text[1] == ':' {
			return bytes.TrimLeft(text[2:], " ")
		}
	}
}

// done is the outcome of a call that was not refused.
const done = "OK"

// outcomeOf is done, or the code of the answer's first refusal or error.
func outcomeOf(answer []byte) string {
	if code, refused := stringAfter(answer, "code"); refused {
		return string(code)
	}
	if bytes.Contains(answer, []byte(`"errors":`)) || !bytes.Contains(answer, []byte(`"data":`)) {
		return "no GraphQL answer"
	}
	return done
}

// request is the body of a request, from a query and its variables.
func request(query string, variables any) ([]byte, error) {
	return json.Marshal(map[string]any{"query": query, "variables": variables})
}

// prepared is the body of a request whose only variable is its input, for
// calls that are made often.
type prepared struct{ head []byte }

func prepare(query string) (prepared, error) {
	quoted, err := json.Marshal(query)
	return prepared{fmt.Appendf(nil, `{"query":%s,"variables":{"input":`, quoted)}, err
}

// with appends the request with this input, in JSON, to body.
func (p prepared) with(body []byte, format string, arguments ...any) []byte {
	body = append(body, p.head...)
	body = fmt.Appendf(body, format, arguments...)
	return append(body, "}}"...)
}

// ask makes one call, and puts what its data has under field into answer. It
// is for what isn't measured.
func (c *caller) ask(query string, variables any, field string, answer any) error {
	body, err := request(query, variables)
	if err != nil {
		return err
	}
	raw, err := c.post(body)
	if err != nil {
		return err
	}
	var response struct {
		Data   map[string]json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &response); err != nil {
		return fmt.Errorf("%s: %w: %.200s", field, err, raw)
	}
	if len(response.Errors) > 0 {
		return fmt.Errorf("%s: %s", field, response.Errors[0].Message)
	}
	return json.Unmarshal(response.Data[field], answer)
}
