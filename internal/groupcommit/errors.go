package groupcommit

import (
	"context"
	"errors"
	"fmt"
)

// What Do answers without the flush. After all but ErrUnknown nothing was done,
// and the command is safe to repeat.
var (
	// ErrOverloaded: no room to wait in.
	ErrOverloaded = errors.New("too many commands are waiting")
	// ErrStopped: the lane takes no more commands, or ran out of time to
	// flush what it had.
	ErrStopped = errors.New("the lane is stopped")
	// ErrNotStarted: the caller's context ended while the command waited. It
	// wraps the context's cause.
	ErrNotStarted = errors.New("gave up before the command started")
	// ErrUnknown: the caller's context ended while the command was under way,
	// so it may or may not be carried out. It wraps the context's cause.
	ErrUnknown = errors.New("gave up before the command's outcome was known")
)

// errAloneTwice answers a command that the flush can't settle even alone.
var errAloneTwice = errors.New("flush set a command aside that was alone already")

// PanicError is a panic in the flush. It answers each command of the group;
// whether their work was done is unknown.
type PanicError struct {
	// Value and Stack are for whoever knows what of them may be shown: Error leaves
	// them out.
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return "flush panicked" }

func gaveUp(ctx context.Context, as error) error {
	return fmt.Errorf("%w: %w", as, context.Cause(ctx))
}
