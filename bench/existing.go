package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync/atomic"
)

//go:embed existing.sql
var makeExisting string

const (
	// existingSKUs have all that is there already, and nothing else. Their numbers
	// are beyond those of any workload.
	existingSKUs  = 1000
	existingFirst = 90_000

	// existingStep is how many reservations one statement makes.
	existingStep = 50_000
)

// fill makes reservations that are there before the workload begins.
func (w *world) fill(ctx context.Context, count int) error {
	if count == 0 {
		return nil
	}
	if w.db == nil {
		return errors.New("-existing needs SQL: say where the servers' database is, with -database")
	}
	if err := w.createSKUs(ctx, existingFirst, existingSKUs); err != nil {
		return err
	}
	var made atomic.Int64
	w.show.begin(w.name+": reservations that are there already", 0, made.Load)
	for first := 0; first < count; first += existingStep {
		step := min(existingStep, count-first)
		done, err := w.db.ExecContext(ctx, makeExisting, w.sku(existingFirst), w.sku(existingFirst+existingSKUs-1), existingSKUs, first, step, w.run)
		if err != nil {
			return fmt.Errorf("make reservations that are there already: %w", err)
		}
		if entries, err := done.RowsAffected(); err != nil || entries != int64(step) {
			return fmt.Errorf("make reservations that are there already: %d of %d were made (%v)", entries, step, err)
		}
		made.Add(int64(step))
	}
	// As they would be after a night: what autovacuum and the checkpointer would
	// otherwise do beside the load.
	w.step("vacuum")
	if _, err := w.db.ExecContext(ctx, "VACUUM (ANALYZE) stock_levels, reservations, reservation_lines, client_tokens, audit_log"); err != nil {
		return err
	}
	if w.machine.postgres != nil {
		_, err := w.db.ExecContext(ctx, "CHECKPOINT")
		return err
	}
	return nil
}

// makeEmptyTwin gives the world a twin in which nothing is there before.
func (w *world) makeEmptyTwin(ctx context.Context) error {
	if len(w.settings.urls) > 0 {
		return errors.New("with -existing the workload needs two databases, and so servers that it starts: leave out -url")
	}
	beside := w.databaseURL
	made, err := createDatabase(ctx, beside, "empty")
	if err != nil {
		return err
	}
	without := *w.machine
	without.settings.existing = 0
	if w.twin, err = without.newWorldIn(ctx, w.workload, made); err != nil {
		return errors.Join(err, dropDatabase(beside, made))
	}
	w.twin.disown = func() error { return dropDatabase(beside, made) }
	return w.twin.createSKUs(ctx, 0, 1)
}
