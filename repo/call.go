package repo

import "holdfast/internal/inventory"

// call is a command on its way through a lane.
type call struct {
	request   inventory.Request
	footprint inventory.Footprint
	// retries counts how often others were faster.
	retries int
	// tried says that an earlier run may have been committed, so that nothing
	// but its own effect, or a decision made under locks, is an answer.
	tried bool
	// caller is who sent the command, as the tracer knows them.
	caller any
}

func newCall(principal string, command inventory.Command) *call {
	return &call{
		request:   inventory.Request{Principal: principal, Command: command},
		footprint: command.Footprint(principal),
	}
}

func (c *call) calledBy() any { return c.caller }

// lines is the call's weight in a group.
func (c *call) lines() int {
	return max(1, len(c.footprint.Levels)+len(c.footprint.SKUs))
}
