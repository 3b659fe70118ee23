package transfer

import (
	"context"
	"sync"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// rowsMax bounds the rows under way: enough for groups to be full, one while
// the other commits, where each SKU has a few rows.
const rowsMax = 2048

// workers apply rows, many at once, each SKU's in their order.
type workers struct {
	store     *repo.Repo
	tally     *tally
	locations locations
	// slots holds one for each row under way.
	slots chan struct{}
	all   sync.WaitGroup

	mu sync.Mutex
	// waiting has the rows behind the one that is under way, by its SKU.
	waiting map[string][]numbered
}

func newWorkers(store *repo.Repo, t *tally) *workers {
	return &workers{
		store: store, tally: t, slots: make(chan struct{}, rowsMax),
		locations: locations{}, waiting: map[string][]numbered{},
	}
}

func (w *workers) take(ctx context.Context, row numbered) {
	if w.tally.options.CreateLocations {
		if err := w.locations.create(ctx, w.store, row.Row); err != nil {
			w.tally.failed(row, err)
			return
		}
	}
	w.slots <- struct{}{}
	w.mu.Lock()
	defer w.mu.Unlock()
	if behind, busy := w.waiting[row.SKU]; busy {
		w.waiting[row.SKU] = append(behind, row)
		return
	}
	w.waiting[row.SKU] = nil
	// A row that was taken is finished, so that the report is right.
	ctx = context.WithoutCancel(ctx)
	w.all.Go(func() { w.work(ctx, row) })
}

// work applies a row, and those of its SKU that come meanwhile.
func (w *workers) work(ctx context.Context, row numbered) {
	// Groups this large would seldom find all their levels as they were read.
	strategy := inventory.Pessimistic
	for more := true; more; row, more = w.next(row.SKU) {
		outcome, err := w.store.Do(ctx, row.command(), &strategy)
		if err != nil {
			w.tally.failed(row, err)
		} else {
			w.tally.answered(row, outcome)
		}
		<-w.slots
	}
}

func (w *workers) next(sku string) (numbered, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	behind := w.waiting[sku]
	if len(behind) == 0 {
		delete(w.waiting, sku)
		return numbered{}, false
	}
	w.waiting[sku] = behind[1:]
	return behind[0], true
}

func (w *workers) finish(context.Context) { w.all.Wait() }
