package repo

import (
	"context"

	"holdfast/internal/inventory"
)

// Tracer makes spans of what is done for callers. What is shared belongs to none
// of them, and so is linked with all. Its methods must be quick, for callers wait
// for them, and safe for concurrent use.
type Tracer interface {
	// Caller is what is shared is to be linked with, of the context that a caller
	// came with: nil if that isn't traced.
	Caller(ctx context.Context) any
	// Group begins a group of so many commands, and answers the context of its
	// messages and what is to be called once it ends. Callers are of those that are
	// traced.
	Group(ctx context.Context, lane inventory.Strategy, commands int, callers []any) (context.Context, func())
	// Message begins a message to the database, and answers what is to be called
	// with its error.
	Message(ctx context.Context, name string) func(error)
	// SharedMessage is Message for so many queries that share one.
	SharedMessage(ctx context.Context, name string, queries int, callers []any) func(error)
}

// The messages' names.
const (
	messageLoad = "load"
	messageSave = "save"
	messageRead = "read"
)

// callersOf are those of the group that are traced.
func callersOf[T any](group []T, callerOf func(T) any) (callers []any) {
	for _, one := range group {
		if caller := callerOf(one); caller != nil {
			callers = append(callers, caller)
		}
	}
	return callers
}

// untraced is for those who trace nothing.
type untraced struct{}

func (untraced) Caller(context.Context) any { return nil }

func (untraced) Group(ctx context.Context, _ inventory.Strategy, _ int, _ []any) (context.Context, func()) {
	return ctx, nothing
}

func (untraced) Message(context.Context, string) func(error) { return noError }

func (untraced) SharedMessage(context.Context, string, int, []any) func(error) { return noError }

func nothing() {}

func noError(error) {}
