package feed

import (
	"slices"
	"sync"
)

// hub hands what is published under a subject to those who listen to it.
type hub[T any] struct {
	// key names what a value is the state of, and version orders its states.
	key     func(T) string
	version func(T) int64
	// joined is told that somebody listens who didn't before.
	joined func()

	mu        sync.Mutex
	listeners map[string]map[*inbox[T]]bool
}

func newHub[T any](key func(T) string, version func(T) int64, joined func()) *hub[T] {
	return &hub[T]{key: key, version: version, joined: joined, listeners: map[string]map[*inbox[T]]bool{}}
}

// listen returns an inbox for what is published under the subjects from now
// on. Give it to leave after use.
func (h *hub[T]) listen(subjects ...string) *inbox[T] {
	subjects = slices.Clone(subjects) // leave needs them as they are now
	in := &inbox[T]{subjects: subjects, ready: make(chan struct{}, 1), pending: map[string]T{}}
	defer h.joined()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, subject := range subjects {
		if h.listeners[subject] == nil {
			h.listeners[subject] = map[*inbox[T]]bool{}
		}
		h.listeners[subject][in] = true
	}
	return in
}

func (h *hub[T]) leave(in *inbox[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, subject := range in.subjects {
		delete(h.listeners[subject], in)
		if len(h.listeners[subject]) == 0 {
			delete(h.listeners, subject)
		}
	}
}

// inUse says whether anybody listens.
func (h *hub[T]) inUse() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners) > 0
}

// listenedTo answers those of the subjects that somebody listens to.
func (h *hub[T]) listenedTo(subjects []string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(subjects), func(subject string) bool { return h.listeners[subject] == nil })
}

func (h *hub[T]) publish(subject string, value T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	listeners := h.listeners[subject]
	if len(listeners) == 0 {
		return
	}
	key := h.key(value)
	for in := range listeners {
		in.put(key, value, h.version)
	}
}

// inbox keeps the latest value of each key until it is taken.
type inbox[T any] struct {
	subjects []string
	// ready has a signal whenever something may be pending.
	ready chan struct{}

	mu      sync.Mutex
	pending map[string]T
}

func (in *inbox[T]) put(key string, value T, version func(T) int64) {
	in.mu.Lock()
	if earlier, ok := in.pending[key]; !ok || version(earlier) < version(value) {
		in.pending[key] = value
	}
	in.mu.Unlock()
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

func (in *inbox[T]) take() map[string]T {
	in.mu.Lock()
	defer in.mu.Unlock()
	taken := in.pending
	in.pending = map[string]T{}
	return taken
}
