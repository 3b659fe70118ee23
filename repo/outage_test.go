package repo_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/repo"
)

// Nothing listens on the port, so that nothing can have been sent.
func TestCallersLearnInTimeThatNothingWasSent(t *testing.T) {
	t.Parallel()
	db, err := database.Open("postgres://nobody@127.0.0.1:1/none?sslmode=disable", 4)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	const timeout = 2 * time.Second
	r := newRepo(t, db, func(o *repo.Options) { o.RequestTimeout = timeout })
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	_, err = r.Do(ctx, oneOf("A", "t"), nil)
	require.ErrorIs(t, err, repo.ErrOverloaded)
	require.NoError(t, ctx.Err(), "the caller still waits")
}
