package repo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"
	"golang.org/x/sync/errgroup"

	"holdfast/internal/inventory"
)

const (
	// consistencyTimeout bounds a whole check. It outlives the callers, so that
	// one that gave up and asks again finds it further on.
	consistencyTimeout = 10 * time.Minute

	// consistencyStreams is how many statements of a check run at once, each on
	// a connection of its own. Holds go on meanwhile and want some too.
	consistencyStreams = 2
)

// Consistency checks the invariants against the database, without locks: of the
// SKUs given, or of everything where skus is nil. An issue is never a moment's
// view of a change under way, for each statement sees one snapshot.
//
// The report holds at most 1,000 issues, and of each invariant its share. What
// breaks a rule is an *inventory.Error. Calls for the same SKUs share one check,
// which goes on if a caller's ctx ends; others wait for their turn, and if their
// time runs out before it the answer is ErrOverloaded.
func (r *Repo) Consistency(ctx context.Context, skus []string) (inventory.ConsistencyReport, error) {
	if problem := checkSKUs(skus); problem != nil {
		return inventory.ConsistencyReport{}, problem
	}
	if problem, err := r.unknownSKU(ctx, skus); err != nil {
		return inventory.ConsistencyReport{}, err
	} else if problem != nil {
		return inventory.ConsistencyReport{}, problem
	}
	asked := distinct(slices.Clone(skus))

	running := r.checks.DoChan(checkKey(asked), func() (any, error) {
		// Others may have joined a caller that leaves.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), runTimeout)
		defer cancel()
		if err := r.takeTurn(ctx); err != nil {
			return nil, err
		}
		defer r.passTurn()
		report, _, err := r.check(ctx, asked)
		return report, err
	})
	select {
	case done := <-running:
		report, _ := done.Val.(inventory.ConsistencyReport)
		return report, done.Err
	case <-ctx.Done():
		return inventory.ConsistencyReport{}, readFault(ctx.Err())
	}
}

// takeTurn waits until no other check is under way, whatever it is of, or until
// the repository is closed.
func (r *Repo) takeTurn(ctx context.Context) error {
	select {
	case r.checking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return readFault(ctx.Err())
	case <-r.running.Done():
		return ErrOverloaded
	}
}

func (r *Repo) passTurn() { <-r.checking }

// checkKey tells the checks apart. No SKU has a space.
func checkKey(skus []string) string {
	if skus == nil {
		return "all"
	}
	return "of " + strings.Join(skus, " ")
}

// unknownSKU names the first of the SKUs of which there is no trace. One that is
// gone and has left stock behind is there to be checked.
func (r *Repo) unknownSKU(ctx context.Context, skus []string) (*inventory.Error, error) {
	if len(skus) == 0 {
		return nil, nil
	}
	var known []string
	err := r.query(ctx, `
		SELECT sku FROM unnest(?::text[]) AS asked (sku)
		WHERE EXISTS (SELECT FROM skus WHERE skus.sku = asked.sku)
			OR EXISTS (SELECT FROM stock_levels WHERE stock_levels.sku = asked.sku)`,
		[]any{pgdialect.Array(skus)}, &known)
	if err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	for i, sku := range skus {
		if !slices.Contains(known, sku) {
			return badArgument("there is no SKU "+sku, "skus", strconv.Itoa(i)), nil
		}
	}
	return nil, nil
}

// check runs every invariant's query over the whole of its scope, a part at a
// time. Beside the report it returns the levels that can be repaired.
func (r *Repo) check(ctx context.Context, skus []string) (report inventory.ConsistencyReport, drifted []inventory.LevelKey, err error) {
	ctx, cancel := context.WithTimeout(ctx, consistencyTimeout)
	defer cancel()
	began := time.Now()
	err = r.queryWith(ctx, invariantPatience, "SELECT clock_timestamp(), (SELECT count(*) FROM skus)", nil, &report.CheckedAt, &report.TotalSKUs)
	if err != nil {
		return report, nil, fmt.Errorf("consistency: %w", err)
	}
	if skus != nil {
		report.TotalSKUs = int32(len(skus)) // at most skusMax
	}
	searches, err := r.searches(ctx, skus, report.CheckedAt)
	if err != nil {
		return report, nil, fmt.Errorf("consistency: %w", err)
	}

	found := newFindings(skus)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(consistencyStreams)
	for _, s := range searches {
		group.Go(func() error {
			if err := r.findIssues(groupCtx, s.query, s.over, found.add); err != nil {
				return fmt.Errorf("consistency: %s: %w", s.query.file, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return report, nil, err
	}
	if err := r.nameSKUs(ctx, found); err != nil {
		return report, nil, fmt.Errorf("consistency: %w", err)
	}
	report.CheckedAt = report.CheckedAt.UTC()
	report.InconsistentSKUs = int32(len(found.skus)) // at most skusCountedMax
	report.Issues = found.shares()
	report.DurationMs = int32(time.Since(began).Milliseconds()) // at most consistencyTimeout
	return report, slices.SortedFunc(maps.Keys(found.drifted), inventory.LevelKey.Compare), nil
}

// nameSKUs finds the SKUs of reservations that have an issue which names no SKU.
func (r *Repo) nameSKUs(ctx context.Context, found *findings) error {
	for ids := range slices.Chunk(found.reservations, reservationsAtOnce) {
		var skus []string
		err := r.queryWith(ctx, invariantPatience, `
			SELECT sku FROM reservation_lines WHERE reservation_id = ANY(?0::uuid[])
			UNION SELECT sku FROM audit_log WHERE reservation_id = ANY(?0::uuid[]) AND sku IS NOT NULL`,
			[]any{pgdialect.Array(ids)}, &skus)
		if err != nil {
			return err
		}
		for _, sku := range skus {
			found.count(sku)
		}
	}
	return nil
}
