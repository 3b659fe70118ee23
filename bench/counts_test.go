package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsStoredMustBeWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		acknowledged, unknown, stored int64
		agrees                        bool
	}{
		{5, 0, 5, true},
		{5, 0, 4, false}, // lost
		{5, 0, 6, false}, // refused, and there all the same
		{5, 1, 6, true},
		{5, 1, 4, false},
	} {
		got := newCount("reservations", c.acknowledged, c.unknown, c.stored)
		assert.Equal(t, c.agrees, got.Agrees, got)
		assert.Equal(t, c.agrees, (&result{Counts: []count{got}, Consistency: consistency{IsConsistent: true}}).holds())
	}
	assert.Equal(t, "reservations in the database: 4, NOT as many as were acknowledged: 5", newCount("reservations", 5, 0, 4).String())
}
