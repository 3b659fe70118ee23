package transfer

import (
	"context"
	"errors"
	"io"

	"holdfast/repo"
)

// ImportOptions say how to import.
type ImportOptions struct {
	// DryRun asks what would become of the rows, and does nothing.
	DryRun bool
	// SkipBad goes on after a row that can't be applied.
	SkipBad bool
	// CreateLocations makes those that are missing, named as their codes.
	CreateLocations bool
	// Skipped is told of each row that is skipped, by one goroutine at a time.
	Skipped func(*RowError)
	// Progress is told how many rows are done, by one goroutine at a time.
	Progress func(rows int)
}

// Report counts rows by what became of them, or by what would in a dry run.
type Report struct {
	Created, Changed, Unchanged, Skipped int
}

// Applied is how many are now as their rows say.
func (r Report) Applied() int { return r.Created + r.Changed + r.Unchanged }

// StoppedError says that an import ended at a row. All rows before it were
// applied, and some after it that were under way already.
type StoppedError struct {
	*RowError
	Before, After int
}

// Import applies the rows, those of one SKU in their order. The report is right
// whatever the error: a *StoppedError, or ctx's own, or why it couldn't go on.
// It is safe to repeat, and then goes on where it ended.
func Import(ctx context.Context, store *repo.Repo, rows Reader, options ImportOptions) (Report, error) {
	t := &tally{options: options}
	var a applier
	if options.DryRun {
		a = newPreviewer(store, t)
	} else {
		a = newWorkers(store, t)
	}
	err := handOut(ctx, rows, a, t)
	// What was taken is finished, whatever happened meanwhile.
	a.finish(context.WithoutCancel(ctx))
	return t.result(err)
}

// applier has rows applied, and tells the tally.
type applier interface {
	// take may return before the row is applied.
	take(ctx context.Context, row numbered)
	// finish returns when all that were taken are.
	finish(ctx context.Context)
}

// numbered is a row with its place among the rows, from 1.
type numbered struct {
	Row
	number int
}

// handOut gives the rows to be applied until there are no more, or ctx ends, or the tally has
// seen enough.
func handOut(ctx context.Context, rows Reader, a applier, t *tally) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ahead := readAhead(ctx, rows)
	for number := 1; !t.stopped(); number++ {
		var next readRow
		select {
		case next = <-ahead:
		case <-ctx.Done():
			return ctx.Err()
		}
		var bad *RowError
		switch {
		case errors.Is(next.err, io.EOF):
			return nil
		case errors.As(next.err, &bad):
			t.refused(number, bad)
		case next.err != nil:
			return next.err
		default:
			a.take(ctx, numbered{next.row, number})
		}
	}
	return nil
}

type readRow struct {
	row Row
	err error
}

const readAheadMax = 128

// readAhead reads on a goroutine of its own, so that the end of ctx is noticed
// while a terminal or a pipe has nothing to say. It is left behind there.
func readAhead(ctx context.Context, rows Reader) <-chan readRow {
	ahead := make(chan readRow, readAheadMax)
	go func() {
		for {
			row, err := rows.Read()
			select {
			case ahead <- readRow{row, err}:
			case <-ctx.Done():
				return
			}
			var bad *RowError
			if err != nil && !errors.As(err, &bad) {
				return
			}
		}
	}()
	return ahead
}
