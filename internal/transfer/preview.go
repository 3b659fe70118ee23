package transfer

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// previewMax is how many rows are previewed at once: a group's worth.
const previewMax = 512

// previewer asks what would become of rows, a batch of them at a time, against
// the database as it is and the rows before them in their batch.
type previewer struct {
	store     *repo.Repo
	tally     *tally
	locations locations
	batch     []numbered
	// created has the hashes of SKUs that rows of earlier batches would create:
	// with these the database is no help.
	created map[uint64]bool
	seed    maphash.Seed
}

func newPreviewer(store *repo.Repo, t *tally) *previewer {
	return &previewer{store: store, tally: t, locations: locations{}, created: map[uint64]bool{}, seed: maphash.MakeSeed()}
}

func (p *previewer) take(ctx context.Context, row numbered) {
	p.batch = append(p.batch, row)
	if len(p.batch) == previewMax {
		p.preview(ctx)
	}
}

func (p *previewer) finish(ctx context.Context) {
	if len(p.batch) > 0 {
		p.preview(ctx)
	}
}

func (p *previewer) preview(ctx context.Context) {
	defer func() { p.batch = p.batch[:0] }()
	commands := make([]inventory.Command, len(p.batch))
	for i, row := range p.batch {
		if p.isCreated(row.SKU) && row.Name == nil {
			row.Name = &row.SKU // it would have one
		}
		if p.tally.options.CreateLocations && row.Location != nil && inventory.ValidCode(*row.Location) {
			p.locations[*row.Location] = true
		}
		commands[i] = row.command()
	}
	outcomes, err := p.store.Preview(ctx, commands, slices.Collect(maps.Keys(p.locations))...)
	if err != nil {
		p.tally.failed(p.batch[0], err)
		return
	}
	for i, row := range p.batch {
		if outcomes[i].Import == inventory.ImportCreated {
			if p.isCreated(row.SKU) {
				outcomes[i].Import = inventory.ImportChanged
			}
			p.created[p.hash(row.SKU)] = true
		}
		p.tally.answered(row, outcomes[i])
		if len(outcomes[i].Refused) > 0 && !p.tally.options.SkipBad {
			return // what comes after it would not be done
		}
	}
}

func (p *previewer) isCreated(sku string) bool { return p.created[p.hash(sku)] }

func (p *previewer) hash(sku string) uint64 { return maphash.String(p.seed, sku) }
