package repo_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
)

// waitedFor is a context that tells when somebody begins to wait for its end.
type waitedFor struct {
	context.Context
	once  sync.Once
	begun chan struct{}
}

func (w *waitedFor) Done() <-chan struct{} {
	w.once.Do(func() { close(w.begun) })
	return w.Context.Done()
}

// Callers share a check while it waits for its turn, too.
func TestCallerThatLeavesTheQueueOfChecksTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	locker, err := s.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = locker.Close() }()
	_, err = locker.ExecContext(t.Context(), "BEGIN; LOCK TABLE stock_levels")
	require.NoError(t, err)
	go func() { _, _ = s.repo.Reconcile(t.Context(), inventory.Reconcile{}) }()
	require.Eventually(t, func() bool {
		return count(t, s.db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	}, patience, patience/1000)

	ctx, leave := context.WithCancel(t.Context())
	waiting := &waitedFor{Context: ctx, begun: make(chan struct{})}
	left := make(chan error, 1)
	go func() {
		_, err := s.repo.Consistency(waiting, nil)
		left <- err
	}()
	await(t, waiting.begun)
	joined := s.repo.JoinCheck()
	leave()
	require.ErrorIs(t, await(t, left), context.Canceled)
	_, err = locker.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	_, err = joined()
	assert.NoError(t, err)
}
