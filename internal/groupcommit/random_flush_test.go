package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"holdfast/internal/groupcommit"
)

// flush is the other side of a random history: it settles as it likes, and
// checks what it is given.
func (h *randomHistory) flush(_ context.Context, group []*randomCommand, alone bool) ([]groupcommit.Settled[string], error) {
	h.flushes.Add(1)
	if alone {
		h.check(h.besideLane.Add(1) <= randomAloneMax, "too many run alone")
		h.check(len(group) == 1, "%d commands run alone together", len(group))
		defer h.besideLane.Add(-1)
	} else {
		h.check(h.inLane.Add(1) == 1, "two groups run in the lane")
		h.check(len(group) > 0 && len(group) <= randomGroupMax, "a group of %d", len(group))
		defer h.inLane.Add(-1)
	}
	for _, command := range group {
		h.note("%s is flushed (alone: %t)", command.id, alone)
		h.check(!command.inFlush.Swap(true), "%s is in two flushes", command.id)
		h.check(command.final.Load() == nil, "%s is flushed after it settled for good", command.id)
		h.check(!command.returned.Load(), "%s is flushed after it was answered", command.id)
	}
	// Before the flush returns, for then its callers may look.
	defer func() {
		for _, command := range group {
			command.inFlush.Store(false)
		}
	}()
	runtime.Gosched()
	h.quitSome(group)

	h.mu.Lock()
	dice := h.random.IntN(100)
	h.mu.Unlock()
	switch {
	case dice < 3:
		h.settleAll(group, errWhole)
		return nil, errWhole
	case dice < 6:
		bug := errors.New("a bug")
		h.settleAll(group, bug)
		panic(bug)
	case dice < 9:
		h.settleAll(group, errors.New("miscount"))
		return make([]groupcommit.Settled[string], len(group)+1), nil
	}
	settlements := make([]groupcommit.Settled[string], len(group))
	for i, command := range group {
		settlements[i] = h.settlement(command, alone)
	}
	return settlements, nil
}

func (h *randomHistory) settlement(command *randomCommand, alone bool) groupcommit.Settled[string] {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch dice := h.random.IntN(20); {
	case dice < 3:
		return groupcommit.Settled[string]{Verdict: groupcommit.Again}
	case dice < 5:
		return groupcommit.Settled[string]{Verdict: groupcommit.Again, After: time.Duration(h.random.IntN(int(time.Millisecond)))}
	case dice < 8 && !alone:
		return groupcommit.Settled[string]{Verdict: groupcommit.Alone}
	case dice == 8 && alone:
		h.settle(command, errors.New("twice"))
		return groupcommit.Settled[string]{Verdict: groupcommit.Alone}
	case dice == 9:
		own := fmt.Errorf("%s: %w", command.id, errOwn)
		h.settle(command, own)
		return groupcommit.Settled[string]{Verdict: groupcommit.Answered, Err: own}
	}
	h.settle(command, nil)
	return groupcommit.Settled[string]{Verdict: groupcommit.Answered, Result: command.id}
}

// quitSome ends the contexts of some callers: of this group's, and of whoever
// waits elsewhere.
func (h *randomHistory) quitSome(group []*randomCommand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.random.IntN(4) == 0 {
		group[h.random.IntN(len(group))].quit()
	}
	if h.random.IntN(2) == 0 {
		if command := h.latest[h.random.IntN(randomCallers)].Load(); command != nil {
			command.quit()
		}
	}
}

func (h *randomHistory) settle(command *randomCommand, final error) {
	command.final.Store(&final)
}

func (h *randomHistory) settleAll(group []*randomCommand, final error) {
	for _, command := range group {
		h.settle(command, final)
	}
}
