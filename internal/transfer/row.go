package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"holdfast/internal/inventory"
	"holdfast/internal/scalar"
)

// The columns of a CSV file and the keys of a JSON Lines object, in the order in
// which they are written.
const (
	columnSKU      = "sku"
	columnName     = "name"
	columnLocation = "location"
	columnTotal    = "total"
	columnMetadata = "metadata"
)

// columns is for messages.
const columns = "sku, name, location, total and metadata"

// Row is what a file says of a SKU and of its stock at one location. What is nil
// is not said.
type Row struct {
	// Line is where the row begins in its file, from 1.
	Line     int
	SKU      string
	Name     *string
	Location *string
	Total    *int64
	Metadata json.RawMessage
}

// command has a client token of its own: a row that comes again is judged anew.
func (r Row) command() inventory.ImportSKU {
	return inventory.ImportSKU{
		ClientToken: uuid.NewString(),
		SKU:         r.SKU, Name: r.Name, Metadata: r.Metadata, Location: r.Location, Total: r.Total,
	}
}

// RowError is what is wrong with one row. Those after it may be right.
type RowError struct {
	Line int
	// Field is the column at fault; empty where the row as a whole is.
	Field   string
	Message string
}

func (e *RowError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Field, e.Message)
}

// fieldError is a RowError that doesn't know its line yet.
func fieldError(field, format string, args ...any) *RowError {
	return &RowError{Field: field, Message: fmt.Sprintf(format, args...)}
}

func parseTotal(digits string) (*int64, *RowError) {
	total, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil, fieldError(columnTotal, "a whole number from 0 to %d is wanted", int64(inventory.CounterMax))
	}
	return &total, nil
}

// parseMetadata takes what the API takes, and spells it as the API does, so that
// metadata that is the same has the same bytes.
func parseMetadata(text []byte) (json.RawMessage, *RowError) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil || decoder.InputOffset() != int64(len(text)) || !utf8.Valid(text) {
		return nil, fieldError(columnMetadata, "this is not JSON")
	}
	metadata, err := scalar.UnmarshalJSON(value)
	if err != nil {
		return nil, fieldError(columnMetadata, "%s", err.Error())
	}
	return metadata, nil
}
