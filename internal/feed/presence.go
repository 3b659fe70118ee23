package feed

import (
	"context"
	"fmt"
	"runtime/debug"
)

// presence sees to it that whoever joins a subscription is given the present
// state: it has it read for all who came meanwhile, and tells the audience when
// all of it is delivered. It belongs to the goroutine that delivers; the reads
// run beside that, so that nobody waits for another's.
type presence[T any] struct {
	audience Audience
	read     func(context.Context) (T, error)
	// answers has what was read.
	answers chan answer[T]
	// ahead counts the deliveries until those gathered have the present state;
	// busy says that they don't yet.
	ahead int
	busy  bool
}

type answer[T any] struct {
	present T
	err     error
}

// newPresence begins with the state that was read first, of which so many
// events are owed.
func newPresence[T any](audience Audience, owed int, read func(context.Context) (T, error)) *presence[T] {
	return &presence[T]{audience: audience, read: read, answers: make(chan answer[T], 1), ahead: owed, busy: true}
}

// joined is signalled when the state is to be read for somebody; not while it
// already is.
func (p *presence[T]) joined() <-chan struct{} {
	if p.busy {
		return nil
	}
	return p.audience.Joined()
}

func (p *presence[T]) readAgain(ctx context.Context) {
	p.busy = true
	p.audience.Gather()
	go func() { p.answers <- p.readSafely(ctx) }()
}

// readSafely has a panic be the reader's failure: nobody above would recover
// from it.
func (p *presence[T]) readSafely(ctx context.Context) (a answer[T]) {
	defer func() {
		if panicked := recover(); panicked != nil {
			a.err = fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
		}
	}()
	a.present, a.err = p.read(ctx)
	return a
}

// of is what was read, or nothing where it couldn't be.
func (p *presence[T]) of(a answer[T]) T {
	if a.err != nil {
		p.audience.Refused(a.err)
	}
	return a.present
}

// owes says how much is owed now that what was read is known.
func (p *presence[T]) owes(events int) {
	if p.ahead = events; events == 0 {
		p.current()
	}
}

// told says that an event was delivered, and of what.
func (p *presence[T]) told(ctx context.Context, subject string) {
	p.audience.Told(ctx, subject)
	if p.ahead > 0 {
		if p.ahead--; p.ahead == 0 {
			p.current()
		}
	}
}

func (p *presence[T]) current() {
	p.busy = false
	p.audience.Current()
}
