package feed_test

import (
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// witness is what subscribers of a server have seen.
type witness struct {
	mu      sync.Mutex
	last    map[string]*inventory.Availability
	entries []logged
}

func newWitness(s *server, after *string, skus []string) *witness {
	w := &witness{last: map[string]*inventory.Availability{}}
	values, err := s.Availability(s.t.Context(), skus, nil)
	require.NoError(s.t, err)
	log := s.followLog(after)
	go func() {
		for value := range values {
			w.mu.Lock()
			if before := w.last[value.SKU]; before != nil {
				assert.Less(s.t, before.Version(), value.Version())
			}
			w.last[value.SKU] = value
			w.mu.Unlock()
		}
	}()
	go func() {
		for entry := range log {
			w.mu.Lock()
			w.entries = append(w.entries, loggedOf(entry.Node))
			w.mu.Unlock()
		}
	}()
	return w
}

func (w *witness) hasLast(stock []*inventory.Availability) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, want := range stock {
		if got := w.last[want.SKU]; got == nil || !assert.ObjectsAreEqual(want.Locations, got.Locations) {
			return false
		}
	}
	return true
}

func (w *witness) hasRead(count int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.entries) >= count
}
