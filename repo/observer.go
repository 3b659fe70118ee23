package repo

import (
	"errors"
	"time"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
)

// Observer is told of what the write path does, to be measured. Its methods must
// be quick, for commands wait for them, and safe for concurrent use.
type Observer interface {
	// Command is told of each command once it is answered: resultDone and the
	// others below, or the code of its refusal.
	Command(command inventory.Command, result string)
	// Group is told of each group that a lane ran.
	Group(lane inventory.Strategy, group groupcommit.Group)
	// Loaded and Committed are told how long the messages of a group took that
	// succeeded, by the strategy that it had in the end: one load, or two where it
	// looked without locks first, and one commit.
	Loaded(by inventory.Strategy, took time.Duration)
	Committed(by inventory.Strategy, took time.Duration)
	// Conflict is told how many commands of a group touched levels that had
	// moved since they were read.
	Conflict(commands int)
	// Retry is told why a group, or a part of it, is run again.
	Retry(reason string)
	// SetAside is told of each command that is sent off its lane.
	SetAside()
	// Expired is told how many holds were ended since their deadline had come.
	Expired(holds int)
	// Late is told of each hold that a sweep ended: how long after its deadline
	// that was committed.
	Late(by time.Duration)
}

// What becomes of a command that isn't refused.
const (
	resultDone       = "done"
	resultReplayed   = "replayed"
	resultOverloaded = "overloaded"
	resultUnknown    = "unknown"
	resultFault      = "error"
)

// Why a group is run again.
const (
	retryMoved       = "moved"
	retryCollision   = "collision"
	retryLockTimeout = "lock_timeout"
	retryUnavailable = "unavailable"
	retryTooLarge    = "too_large"
	retryData        = "data"
)

func resultOf(outcome inventory.Outcome, err error) string {
	switch {
	case errors.Is(err, ErrOverloaded):
		return resultOverloaded
	case errors.Is(err, ErrUnknownOutcome):
		return resultUnknown
	case err != nil:
		return resultFault
	case len(outcome.Refused) > 0:
		return string(outcome.Refused[0].Code)
	case outcome.Replayed:
		return resultReplayed
	}
	return resultDone
}

// observeExpired tells of the holds that were ended by what was committed.
func (r *Repo) observeExpired(changes inventory.Changes) {
	expired := 0
	for _, move := range changes.Moved {
		if move.After.Status == inventory.Expired {
			expired++
		}
	}
	if expired > 0 {
		r.options.Observer.Expired(expired)
	}
}

// unobserved is for those who measure nothing.
type unobserved struct{}

func (unobserved) Command(inventory.Command, string)           {}
func (unobserved) Group(inventory.Strategy, groupcommit.Group) {}
func (unobserved) Loaded(inventory.Strategy, time.Duration)    {}
func (unobserved) Committed(inventory.Strategy, time.Duration) {}
func (unobserved) Conflict(int)                                {}
func (unobserved) Retry(string)                                {}
func (unobserved) SetAside()                                   {}
func (unobserved) Expired(int)                                 {}
func (unobserved) Late(time.Duration)                          {}
