package feed

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func span(from, through int64) inventory.LogSpan {
	return inventory.LogSpan{From: from, Through: through}
}

// begun is a window of a log with ten entries, all of them read, while
// transaction 100 is under way.
func begun(t *testing.T) *window {
	t.Helper()
	w := &window{}
	w.begin(0)
	require.True(t, w.look(inventory.LogLook{Last: 10, Top: 10, Next: 101, Oldest: 100}, noon))
	require.Equal(t, []inventory.LogSpan{span(1, 10)}, w.spans())
	w.read(inventory.LogNews{Entries: 10, Reached: 10}, noon)
	require.Empty(t, w.spans())
	return w
}

func TestAMarkIsSettledOnceItsTransactionsHaveEnded(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.False(t, w.isSettled)
	require.True(t, w.look(inventory.LogLook{Last: 12, Top: 10, Next: 103, Oldest: 100}, noon))
	require.False(t, w.isSettled)
	require.True(t, w.look(inventory.LogLook{Last: 14, Top: 14, Next: 105, Oldest: 102}, noon))
	require.True(t, w.isSettled)
	require.EqualValues(t, 10, w.settled)
	require.True(t, w.look(inventory.LogLook{Last: 14, Top: 14, Next: 105, Oldest: 105}, noon))
	require.EqualValues(t, 14, w.settled)
	require.Empty(t, w.marks)
}

func TestAStretchWithoutEntriesIsReadUntilItIsSettled(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.True(t, w.look(inventory.LogLook{Last: 15, Top: 15, Next: 105, Oldest: 100}, noon))
	w.read(inventory.LogNews{Entries: 2, Reached: 15, Missing: []inventory.LogSpan{span(11, 12), span(14, 14)}}, noon)
	require.Equal(t, []inventory.LogSpan{span(11, 12), span(14, 14)}, w.spans())
	require.True(t, w.look(inventory.LogLook{Last: 15, Top: 15, Next: 105, Oldest: 105}, noon))
	require.Equal(t, []inventory.LogSpan{span(11, 12), span(14, 14)}, w.spans(), "once more: they may have come")
	w.read(inventory.LogNews{Reached: 15, Missing: w.spans()}, noon)
	require.Empty(t, w.spans())
}

func TestAStretchWithoutEntriesIsGivenUpOnceNoTransactionIsThatOld(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.True(t, w.look(inventory.LogLook{Last: 11, Top: 10, Next: 105, Oldest: 100}, noon))
	w.read(inventory.LogNews{Reached: 11, Missing: w.spans()}, noon.Add(finishedAfter))
	require.Equal(t, []inventory.LogSpan{span(11, 11)}, w.spans())
	later := noon.Add(finishedAfter + time.Second)
	w.read(inventory.LogNews{Reached: 11, Missing: w.spans()}, later)
	require.Empty(t, w.spans())
	require.True(t, w.look(inventory.LogLook{Last: 11, Top: 10, Next: 105, Oldest: 100}, later))
	require.EqualValues(t, 11, w.past)
	require.False(t, w.isSettled, "that never relies on time")
}

func TestWhatWasNotReadYetStaysThoughItIsSettled(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.True(t, w.look(inventory.LogLook{Last: 30, Top: 30, Next: 105, Oldest: 101}, noon))
	require.True(t, w.look(inventory.LogLook{Last: 30, Top: 30, Next: 105, Oldest: 105}, noon))
	w.read(inventory.LogNews{Entries: 5, Reached: 20, Missing: []inventory.LogSpan{span(11, 15), span(21, 30)}}, noon)
	require.Equal(t, []inventory.LogSpan{span(21, 30)}, w.spans())
}

func TestPositionsThatACrashGivesOutAgainAreReadAgain(t *testing.T) {
	t.Parallel()
	w := begun(t)
	// 11 to 20 are drawn and rolled back.
	require.True(t, w.look(inventory.LogLook{Last: 20, Top: 10, Next: 105, Oldest: 101}, noon))
	require.True(t, w.look(inventory.LogLook{Last: 20, Top: 10, Next: 105, Oldest: 105}, noon))
	w.read(inventory.LogNews{Reached: 20, Missing: w.spans()}, noon)
	require.Empty(t, w.spans())
	w.lose()
	require.False(t, w.isSettled)
	// The log ended at 10 after the crash, and goes on.
	require.True(t, w.look(inventory.LogLook{Last: 12, Top: 12, Next: 103, Oldest: 103}, noon))
	require.Equal(t, []inventory.LogSpan{span(11, 12)}, w.spans())
	require.False(t, w.isSettled)
}

func TestACrashBetweenTwoLooksIsNoticed(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.True(t, w.look(inventory.LogLook{Last: 20, Top: 10, Next: 105, Oldest: 101, Run: 1}, noon))
	require.True(t, w.look(inventory.LogLook{Last: 20, Top: 10, Next: 105, Oldest: 105, Run: 1}, noon))
	w.read(inventory.LogNews{Reached: 20, Missing: w.spans()}, noon)
	require.Empty(t, w.spans(), "whoever drew them gave up")
	require.True(t, w.look(inventory.LogLook{Last: 25, Top: 25, Next: 105, Oldest: 101, Run: 2}, noon))
	require.Equal(t, []inventory.LogSpan{span(11, 25)}, w.spans(), "they were drawn again")
	require.False(t, w.isSettled)
}

func TestALogThatEndsEarlierIsNoticed(t *testing.T) {
	t.Parallel()
	w := begun(t)
	require.False(t, w.look(inventory.LogLook{Last: 9, Top: 9, Next: 90, Oldest: 90}, noon))
}

func TestALongTransactionDoesNotMakeTheWindowGrow(t *testing.T) {
	t.Parallel()
	const every = 100 * time.Millisecond
	w := begun(t)
	marks, spans := 0, 0
	for i := range int64(12_000) {
		at := noon.Add(time.Duration(i) * every)
		require.True(t, w.look(inventory.LogLook{Last: 12 + 2*i, Top: 12 + 2*i, Next: 101 + i, Oldest: 100}, at))
		// Every other entry is rolled back.
		missing := w.spans()
		missing[len(missing)-1] = span(11+2*i, 11+2*i)
		w.read(inventory.LogNews{Entries: 1, Reached: 12 + 2*i, Missing: missing}, at)
		marks, spans = max(marks, len(w.marks)), max(spans, len(missing))
	}
	require.LessOrEqual(t, marks, marksMax)
	require.LessOrEqual(t, spans, unseenMax+1)
	require.Less(t, w.last-w.past, 2*int64((finishedAfter+2*time.Second)/every))
	require.True(t, w.look(inventory.LogLook{Last: 50_000, Top: 50_000, Next: 30_000, Oldest: 10_101}, noon.Add(time.Hour)))
	require.InDelta(t, 20_000, w.settled, 400)
}
