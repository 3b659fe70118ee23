package repo_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// The log tells an operator once of what many callers are told.

// logged has the repository write its log where the test can read it once the
// commands are answered.
func logged(log *bytes.Buffer) func(*repo.Options) {
	return func(o *repo.Options) {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		o.RequestTimeout = 500 * time.Millisecond
	}
}

func TestOutageIsLoggedOnceAndItsEndToo(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newFaultWorld(t, inventory.Pessimistic, logged(&log))
	w.proxy.cut()
	for range 2 {
		require.ErrorIs(t, w.do(w.repo, oneOf("A", "t")).err, repo.ErrOverloaded)
	}
	w.proxy.mend()
	require.True(t, w.do(w.repo, oneOf("A", "t")).wasDone())
	assert.Equal(t, 1, strings.Count(log.String(), "can't be reached"))
	assert.Equal(t, 1, strings.Count(log.String(), "answers again"))
}

func TestUnknownOutcomeIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newFaultWorld(t, inventory.Pessimistic, logged(&log))
	w.proxy.next(isSave, func(x *exchange) {
		x.hangUp()
		w.proxy.cut()
	})
	require.ErrorIs(t, w.do(w.repo, oneOf("A", "t")).err, repo.ErrUnknownOutcome)
	assert.Contains(t, log.String(), "not known whether commands were done")
}

// bug is a command that can't be decided.
type bug struct{ inventory.Command }

func (bug) Validate(inventory.Limits) []*inventory.Error { return nil }

func (bug) Footprint(string) inventory.Footprint { return inventory.Footprint{} }

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newFaultWorld(t, inventory.Pessimistic, logged(&log))
	require.Error(t, w.do(w.repo, bug{}).err)
	assert.Contains(t, log.String(), "inventory.Decide")
}
