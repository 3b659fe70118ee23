package groupread

import (
	"context"
	"errors"
	"fmt"
)

// What Do answers without the read.
var (
	// ErrOverloaded: no room to wait in.
	ErrOverloaded = errors.New("too many queries are waiting")
	// ErrLeft: the caller's context ended first. It wraps the context's cause.
	ErrLeft = errors.New("gave up before the answer was there")
)

// PanicError is a panic in the read. It answers each query of the group.
type PanicError struct {
	Value any
	// Stack is for the log: Error leaves it out.
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("read panicked: %v", e.Value) }

func left(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrLeft, context.Cause(ctx)) }
