package main

import (
	"context"
	"time"
)

var alone = workload{
	name: "alone",
	about: `one caller and nobody else: holds of one SKU over one connection, against hand-written SQL in pgbench with one client,
in turn. Target: half of the calls are answered within 1.5 times what half of the transactions take`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, rounds: 3},
	run:     runAlone,
}

func runAlone(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	w.sizes.connections = 1
	rows, bases, err := w.againstBaselines(ctx, 1, w.holdsByStrategy(holds{lines: 1}, ""), baselineRun{baselineHold, 1})
	if err != nil {
		return err
	}
	for i, strategy := range w.settings.strategies {
		if len(bases) > 0 {
			w.result.ratioAtMost(strategy+", p50 against pgbench's", ratioOf(rows[i], bases[0], round.p50), "times", 1.5)
		}
	}
	return nil
}
