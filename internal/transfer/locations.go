package transfer

import (
	"context"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// locations are those that are known to exist, or are taken to in a dry run.
type locations map[string]bool

// create makes the row's location if there is none of its code. A code that
// can't be one is left for the row to be refused.
func (known locations) create(ctx context.Context, store *repo.Repo, row Row) error {
	if row.Location == nil || known[*row.Location] || !inventory.ValidCode(*row.Location) {
		return nil
	}
	// Refused is one that exists already.
	_, err := store.CreateLocation(ctx, inventory.CreateLocation{Code: *row.Location, Name: *row.Location})
	known[*row.Location] = err == nil
	return err
}
