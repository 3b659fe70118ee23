package repo_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// together runs so many commands at once and answers their outcomes.
func together(t testing.TB, r *repo.Repo, callers int, command func(caller int) inventory.Command) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var err error
			outcomes[i], err = r.Do(t.Context(), command(i), nil)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	return outcomes
}
