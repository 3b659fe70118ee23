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
	// Value and Stack are for whoever knows what of them may be shown: Error leaves
	// them out.
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return "read panicked" }

func left(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrLeft, context.Cause(ctx)) }
