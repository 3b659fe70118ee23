package groupcommit

import (
	"context"
	"time"
)

// Flush carries out one group, in order, and returns one settlement for each
// command at the command's index. An error concerns the group as a whole, and
// the settlements are then ignored.
//
// The context is the lane's: it has no deadline, no values of any caller, and
// is cancelled only when Stop runs out of time. The group's slice is used
// again: a flush neither changes it nor keeps it. Alone says that the group is
// one command that was set aside; such calls come at the same time as others.
// A flush must not call the lane's Do or Stop.
type Flush[C, R any] func(ctx context.Context, group []C, alone bool) ([]Settled[R], error)

// Verdict is what becomes of a command after its flush. The zero Verdict is
// none: a forgotten settlement is an error and not a success.
type Verdict int

const (
	// Answered: Result and Err go to the caller.
	Answered Verdict = iota + 1
	// Again: nothing was done. The command joins the next group, ahead of what
	// arrived after it. How often is for the flush to bound.
	Again
	// Alone: nothing was done. The command is set aside and runs beside the
	// lane, in a group of its own. From a group that is alone already this is
	// an error.
	Alone
)

// Settled is one command's part of a flush.
type Settled[R any] struct {
	Verdict Verdict
	// Result and Err belong to Answered. Err is this command's own failure.
	Result R
	Err    error
	// After belongs to Again: rejoin no sooner than this from now. Others
	// don't wait for it, so a command may then be overtaken.
	After time.Duration
}

// Group describes one group that ran, for metrics.
type Group struct {
	// Size counts commands. One that runs again counts again.
	Size int
	// Alone: a single command beside the lane.
	Alone bool
	// Queued counts the commands that the group left waiting in the lane when
	// it started.
	Queued int
	// Waited is how long ago the oldest command arrived when the group
	// started, earlier groups of that command included.
	Waited time.Duration
	// Took is how long the flush took.
	Took time.Duration
}
