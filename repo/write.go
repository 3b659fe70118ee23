package repo

import (
	"context"
	"fmt"
)

// write commits one statement, which isn't a command's, and scans what it
// returns into dest, which is left as it is where there is no row. The error is
// ErrUnknownOutcome where the answer was lost, and else says that nothing was
// done: ErrOverloaded, or a fault.
func (r *Repo) write(ctx context.Context, text string, args []any, dest ...any) error {
	t, err := r.begin(ctx, patienceFor(readLockTimeout).within(ctx))
	if err != nil {
		return readFault(err)
	}
	defer t.end(ctx)
	err = t.commit(ctx, text, args, dest...)
	if connectionLost(err) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return readFault(err)
}
