package feed

// Listeners counts the subjects that somebody listens to.
func (f *Feed) Listeners() int {
	return f.levels.subjectCount() + f.reservations.subjectCount()
}

func (h *hub[T]) subjectCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners)
}
