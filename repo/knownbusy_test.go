package repo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// A group waits a second for a row that somebody keeps; the groups after it
// don't, though commands that want the row keep coming.
func TestStuckRowDelaysOneGroupAndNotEachOfThem(t *testing.T) {
	t.Parallel()
	o := newObserved()
	w := newFaultWorld(t, inventory.Pessimistic, o.observe)
	createSKU(t, w.other, "many", 100)
	end := w.keepOpen(lockLevelA)
	delayed := w.join(oneOf("A", "first"))
	require.True(t, w.do(w.repo, oneOf("many", "waits for the first")).wasDone())

	for i := range 8 {
		delayed = append(delayed, w.join(oneOf("A", fmt.Sprint("A-", i)))...)
		require.True(t, w.do(w.repo, oneOf("many", fmt.Sprint("many-", i))).wasDone())
	}
	assert.Equal(t, 1, o.of("retry lock_timeout"))

	end("COMMIT")
	for _, answers := range delayed {
		assert.True(t, await(t, answers).wasDone())
	}
	require.True(t, w.do(w.repo, oneOf("A", "last")).wasDone())
	requireSound(t, w.db)
}
