package transfer

import (
	"fmt"
	"sync"

	"holdfast/internal/inventory"
)

// tally counts what becomes of the rows. It is safe for concurrent use.
type tally struct {
	options ImportOptions

	mu     sync.Mutex
	report Report
	// bad is the first of the rows that end the import, and badNumber its place.
	bad       *RowError
	badNumber int
	fault     error
}

func (t *tally) answered(row numbered, outcome inventory.Outcome) {
	if len(outcome.Refused) > 0 {
		refusal := outcome.Refused[0]
		problem := &RowError{Line: row.Line, Message: refusal.Message}
		if n := len(refusal.Field); n > 0 {
			problem.Field = refusal.Field[n-1]
		}
		t.refused(row.number, problem)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch outcome.Import {
	case inventory.ImportCreated:
		t.report.Created++
	case inventory.ImportChanged:
		t.report.Changed++
	default:
		t.report.Unchanged++
	}
	t.progressLocked()
}

func (t *tally) refused(number int, problem *RowError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.options.SkipBad:
		t.report.Skipped++
		t.options.Skipped(problem)
		t.progressLocked()
	case t.bad == nil || number < t.badNumber:
		t.bad, t.badNumber = problem, number
	}
}

func (t *tally) failed(row numbered, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault == nil {
		t.fault = fmt.Errorf("line %d: %w", row.Line, err)
	}
}

func (t *tally) progressLocked() {
	t.options.Progress(t.report.Applied() + t.report.Skipped)
}

// stopped says that no more rows should be taken.
func (t *tally) stopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bad != nil || t.fault != nil
}

// result is the report, with why the rows came to an end, if it wasn't theirs.
func (t *tally) result(err error) (Report, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.fault != nil:
		return t.report, t.fault
	case t.bad != nil:
		// Whatever was taken has been answered, and the first that was bad is
		// this one.
		before := t.badNumber - 1
		return t.report, &StoppedError{t.bad, before, t.report.Applied() - before}
	}
	return t.report, err
}
