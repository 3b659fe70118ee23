package inventory

import "time"

// Code is what kind of refusal an Error is.
type Code string

// The codes, as the schema names them.
const (
	InsufficientStock   Code = "INSUFFICIENT_STOCK"
	InvalidState        Code = "INVALID_STATE"
	VersionConflict     Code = "VERSION_CONFLICT"
	IdempotencyConflict Code = "IDEMPOTENCY_CONFLICT"
	UnknownSKU          Code = "UNKNOWN_SKU"
	UnknownLocation     Code = "UNKNOWN_LOCATION"
	NotFound            Code = "NOT_FOUND"
	AlreadyExists       Code = "ALREADY_EXISTS"
	InvalidInput        Code = "INVALID_INPUT"
	Contended           Code = "CONTENDED"
)

// Error is a refusal: an ordinary answer, not an incident. Nothing was changed
// for the command that it refuses.
type Error struct {
	Code    Code
	Message string
	// Field is the path of the argument at fault, from "input" in a mutation
	// and from the argument in a query; nil where none is.
	Field []string

	SKU      string // InsufficientStock, UnknownSKU
	Location string // InsufficientStock; empty for a line that may draw on all

	Requested, Available int64 // InsufficientStock, in units

	Reservation *Reservation // InvalidState: as it is

	Expected, Actual int64 // VersionConflict

	DifferingFields []string // IdempotencyConflict
}

// Error is the refusal in a sentence.
func (e *Error) Error() string { return e.Message }

func invalid(message string, field ...string) *Error {
	return &Error{Code: InvalidInput, Message: message, Field: field}
}

func notFound(id, field string) *Error {
	return &Error{Code: NotFound, Message: "there is no reservation " + id, Field: []string{"input", field}}
}

func invalidState(r *Reservation, wish string) *Error {
	return &Error{
		Code:        InvalidState,
		Message:     "a reservation that is " + string(r.Status) + " can't be " + wish,
		Field:       []string{"input", "reservationId"},
		Reservation: r,
	}
}

func unknownSKU(sku string, field ...string) *Error {
	return &Error{Code: UnknownSKU, Message: "there is no SKU " + sku, Field: field, SKU: sku}
}

func unknownLocation(location string, field ...string) *Error {
	return &Error{Code: UnknownLocation, Message: "there is no location " + location, Field: field}
}

// Limits are the rules that an operator may set.
type Limits struct {
	// HoldTTL is a hold's time where its caller names none.
	HoldTTL time.Duration
	// HoldTTLMax is the longest a hold may last, from when it was made.
	HoldTTLMax time.Duration
	// LinesMax is how many lines a reservation may be asked for with.
	LinesMax int
}
