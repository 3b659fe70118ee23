package repo

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/uptrace/bun/driver/pgdriver"
)

// Faults: what is neither done nor refused. Anything else that isn't a refusal
// of the domain is internal.
var (
	// ErrOverloaded says that the queue is full, or that the server is
	// stopping, or that the database can't be reached, or that the caller's time
	// ran out before its turn. Nothing was done; safe to repeat.
	ErrOverloaded = errors.New("the server can't take it now; nothing was done, and it is safe to repeat")

	// ErrUnknownOutcome says that a command may or may not have been done. To
	// repeat it with the same client token finds out.
	ErrUnknownOutcome = errors.New("whether it was done is not known; repeat it with the same client token to find out")
)

// What the server reports, as far as it decides what happens next.
const (
	stateGuard             = "HF001" // holdfast_guard: a save did not do what was decided
	stateMoved             = "HF002" // holdfast_unmoved: a level has another version than the one read
	stateLockTimeout       = "55P03"
	stateStatementTimeout  = "57014"
	stateSerialization     = "40001"
	stateDeadlock          = "40P01"
	stateUniqueViolation   = "23505"
	classDataException     = "22"
	classConstraintBreach  = "23"
	classConnection        = "08"
	classInsufficientMeans = "53"
	classIntervention      = "57"
)

// The fields of a report, by their letters in the protocol.
const (
	fieldSeverity = 'V'
	fieldState    = 'C'
	fieldDetail   = 'D'
	fieldTable    = 't'
)

// tokensTable is the table of client tokens, where only their key is unique.
const tokensTable = "client_tokens"

func sqlState(err error) string { return reportedField(err, fieldState) }

// reportedField is a field of the server's report; empty where it reported
// nothing.
func reportedField(err error, field byte) string {
	var reported pgdriver.Error
	if errors.As(err, &reported) {
		return reported.Field(field)
	}
	return ""
}

// lockTimedOut says that the transaction waited too long for others.
func lockTimedOut(err error) bool {
	state := sqlState(err)
	return state == stateLockTimeout || state == stateStatementTimeout
}

// collided says that another transaction came between, so that the same group
// is to be run again.
func collided(err error) bool {
	switch sqlState(err) {
	case stateGuard, stateSerialization, stateDeadlock:
		return true
	case stateUniqueViolation:
		// By the table: its key has another name while that is built anew.
		return reportedField(err, fieldTable) == tokensTable
	}
	return false
}

// causedByData says that some command of the group carries what the database
// refuses, so that the others should not suffer for it.
func causedByData(err error) bool {
	state := sqlState(err)
	return strings.HasPrefix(state, classDataException) || strings.HasPrefix(state, classConstraintBreach)
}

// unreachableError is a fault between here and the database.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string { return "database unreachable: " + e.cause.Error() }
func (e *unreachableError) Unwrap() error { return e.cause }

// connectionLost says that the connection ended with the error, so that what
// was under way may have been done. Any other error of the server says that it
// was not.
func connectionLost(err error) bool {
	var unreachable *unreachableError
	if errors.As(err, &unreachable) {
		return true
	}
	severity := reportedField(err, fieldSeverity)
	return severity == "FATAL" || severity == "PANIC"
}

// unavailable says that the database couldn't be reached, or is going away or
// out of means, so that it is worth trying again.
func unavailable(err error) bool {
	state := sqlState(err)
	return connectionLost(err) || state != stateStatementTimeout && (strings.HasPrefix(state, classConnection) ||
		strings.HasPrefix(state, classInsufficientMeans) ||
		strings.HasPrefix(state, classIntervention))
}

// readFault is ErrOverloaded where a read failed because the database couldn't
// be reached or answer in time.
func readFault(err error) error {
	var network net.Error // deadlines too
	switch {
	case lockTimedOut(err), unavailable(err), errors.As(err, &network),
		errors.Is(err, context.Canceled), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	return err
}
