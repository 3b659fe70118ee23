package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

var spread = workload{
	name: "spread",
	about: `everybody wants something else: holds of one unit of -skus SKUs, each as often as the others, against hand-written
SQL in pgbench with 32 clients, in turn. Target: 2.5 times the baseline`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3, skus: 1000},
	run:     runSpread,
}

func runSpread(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	contenders := w.holdsByStrategy(holds{lines: 1, picker: evenly(w.sizes.skus)}, "")
	rows, bases, err := w.againstBaselines(ctx, w.sizes.skus, contenders, baselineRun{baselineHold, baselineClients})
	if err != nil {
		return err
	}
	for i, strategy := range w.settings.strategies {
		if len(bases) > 0 {
			w.result.ratioAtLeast(strategy+" against pgbench", ratioOf(rows[i], bases[0], round.perSecond), "times", 2.5)
		}
	}
	w.reportMemory()
	return nil
}

var zipf = workload{
	name: "zipf",
	about: `some are wanted more than others, as in a shop: holds of one unit of -skus SKUs, of which the i-th is wanted in
proportion to 1/i^1.1`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3, skus: 1000},
	run: func(ctx context.Context, w *world) error {
		return w.measureHolds(ctx, holds{lines: 1, picker: byPopularity(w.sizes.skus)})
	},
}

// batchLines is how many lines a hold of the workload batch has.
const batchLines = 10

var batch = workload{
	name:    "batch",
	about:   `whole carts: holds of ten lines, each of one unit of another of -skus SKUs; holds are counted, not lines`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3, skus: 1000},
	run: func(ctx context.Context, w *world) error {
		if w.sizes.skus < batchLines {
			return fmt.Errorf("a hold has %d lines: -skus is at least that", batchLines)
		}
		return w.measureHolds(ctx, holds{lines: batchLines, picker: evenly(w.sizes.skus)})
	},
}

// measureHolds measures them by each strategy.
func (w *world) measureHolds(ctx context.Context, h holds) error {
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	if _, err := w.contest(ctx, w.holdsByStrategy(h, "")); err != nil {
		return err
	}
	w.reportMemory()
	return nil
}

// picker makes what chooses the SKUs of a hold, all different, for one
// connection.
type picker func() func(skus []int)

// evenly picks among so many SKUs, each as often as the others.
func evenly(count int) picker {
	return func() func(skus []int) {
		return func(skus []int) { pickDistinct(skus, func() int { return rand.IntN(count) }) }
	}
}

// zipfExponent is of 1/i^s. Shops have been found between 0.9 and 1.2.
const zipfExponent = 1.1

// byPopularity picks among so many SKUs, the first most often.
func byPopularity(count int) picker {
	return func() func(skus []int) {
		popular := rand.NewZipf(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), zipfExponent, 1, uint64(count-1))
		return func(skus []int) { pickDistinct(skus, func() int { return int(popular.Uint64()) }) }
	}
}

// pickDistinct picks until all are different. There are at least as many SKUs
// as are picked.
func pickDistinct(skus []int, pick func() int) {
	for i := range skus {
		skus[i] = pick()
		for slices.Contains(skus[:i], skus[i]) {
			skus[i] = pick()
		}
	}
}
