package streams

import (
	"context"
	"sync"
)

// event is a response, encoded for all who get it.
type event struct {
	// subject is what the event is the latest state of. Without one it
	// replaces no other.
	subject string
	payload []byte
}

// outbox is what a subscriber is owed, longest owed first.
type outbox struct {
	// wake is called, outside the mutex, when there may be something to take.
	wake func()
	// tell counts what becomes of events.
	tell observed

	mu   sync.Mutex
	owed []event
	// over says that nothing comes after what is owed, left that nobody takes it.
	over, left bool
	// room is signalled when all that was owed is taken; nil until someone waits.
	room chan struct{}
}

// put owes the event, in place of an earlier one of its subject.
func (o *outbox) put(e event) {
	if o.add(e) {
		o.wake()
	}
}

func (o *outbox) add(e event) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.left {
		return false
	}
	if e.subject != "" {
		for i := range o.owed {
			if o.owed[i].subject == e.subject {
				o.owed[i] = e
				o.tell.coalesced()
				return false // it was woken for the earlier one
			}
		}
	}
	o.owed = append(o.owed, e)
	return true
}

// putInTurn owes the event once all before it are taken. It answers false if
// nobody will take it any more.
func (o *outbox) putInTurn(ctx context.Context, e event) bool {
	for {
		o.mu.Lock()
		if o.over || o.left {
			o.mu.Unlock()
			return false
		}
		if len(o.owed) == 0 {
			o.owed = append(o.owed, e)
			o.mu.Unlock()
			o.wake()
			return true
		}
		if o.room == nil {
			o.room = make(chan struct{}, 1)
		}
		o.mu.Unlock()
		select {
		case <-o.room:
		case <-ctx.Done():
			return false
		}
	}
}

// end says that nothing comes after what is owed.
func (o *outbox) end() {
	o.mu.Lock()
	ends := !o.over && !o.left
	o.over = true
	o.mu.Unlock()
	if ends {
		o.wake()
	}
}

// leave drops what is owed: there is nobody any more to take it.
func (o *outbox) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left = true
	o.owed = nil
	o.signalRoomLocked()
}

// take returns what has been owed longest. Without that, over says that there
// is nothing to come either.
func (o *outbox) take() (e event, found, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.owed) == 0 {
		return event{}, false, o.over && !o.left
	}
	e = o.owed[0]
	o.owed = o.owed[1:]
	if len(o.owed) == 0 {
		o.owed = nil // an idle subscriber keeps no memory for it
		o.signalRoomLocked()
	}
	return e, true, false
}

func (o *outbox) signalRoomLocked() {
	if o.room == nil {
		return
	}
	select {
	case o.room <- struct{}{}:
	default:
	}
}
