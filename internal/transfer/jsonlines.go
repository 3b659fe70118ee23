package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"
)

type jsonReader struct {
	lines  *lines
	buffer []byte
}

func newJSONReader(in io.Reader) *jsonReader { return &jsonReader{lines: newLines(in)} }

func (r *jsonReader) Read() (Row, error) {
	for {
		line, err := r.lines.next(r.buffer)
		switch {
		case errors.Is(err, errTooLong):
			return Row{}, &RowError{Line: r.lines.number, Message: fmt.Sprintf("a row is at most %d bytes", recordBytesMax)}
		case err != nil:
			return Row{}, err
		}
		r.buffer = line
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		row, problem := parseObject(line)
		if problem != nil {
			problem.Line = r.lines.number
			return Row{}, problem
		}
		row.Line = r.lines.number
		return row, nil
	}
}

func parseObject(line []byte) (Row, *RowError) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil || members == nil || !utf8.Valid(line) {
		return Row{}, fieldError("", "a JSON object is wanted, on one line, in UTF-8")
	}
	var row Row
	var sku *string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		value := members[key]
		if string(value) == "null" {
			continue
		}
		var problem *RowError
		switch key {
		case columnSKU:
			sku, problem = parseText(key, value)
		case columnName:
			row.Name, problem = parseText(key, value)
		case columnLocation:
			row.Location, problem = parseText(key, value)
		case columnTotal:
			row.Total, problem = parseTotal(string(value))
		case columnMetadata:
			row.Metadata, problem = parseMetadata(value)
		default:
			problem = fieldError(key, "there is no such key; the keys are %s", columns)
		}
		if problem != nil {
			return Row{}, problem
		}
	}
	if sku == nil {
		return Row{}, fieldError(columnSKU, "it is missing")
	}
	row.SKU = *sku
	return row, nil
}

func parseText(field string, value json.RawMessage) (*string, *RowError) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, fieldError(field, "a string is wanted")
	}
	return &text, nil
}

type jsonWriter struct {
	out     *bufio.Writer
	encoder *json.Encoder
}

func newJSONWriter(out io.Writer) *jsonWriter {
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	return &jsonWriter{buffered, encoder}
}

func (w *jsonWriter) Write(row Row) error {
	return w.encoder.Encode(struct {
		SKU      string          `json:"sku"`
		Name     *string         `json:"name,omitempty"`
		Location *string         `json:"location,omitempty"`
		Total    *int64          `json:"total,omitempty"`
		Metadata json.RawMessage `json:"metadata,omitempty"`
	}{row.SKU, row.Name, row.Location, row.Total, row.Metadata})
}

func (w *jsonWriter) Flush() error { return w.out.Flush() }
