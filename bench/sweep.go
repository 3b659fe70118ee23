package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

var sweep = workload{
	name: "sweep",
	about: `the throughput of holds of one SKU over 1, 4, 16, … up to -connections connections, by each strategy, and of hand-written
SQL in pgbench over up to 64 clients, in turn; -plot draws it`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 1024, rounds: 3},
	run:     runSweep,
}

// sweepClientsMax is beyond where hand-written SQL is at its best.
const sweepClientsMax = 64

func runSweep(ctx context.Context, w *world) (err error) {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	var contenders []contender
	var curves []curve
	for _, strategy := range w.settings.strategies {
		along := curve{name: strategy}
		for _, connections := range fourfold(w.sizes.connections) {
			along.points = append(along.points, point{connections: connections, row: len(contenders)})
			contenders = append(contenders, w.driven(drive{
				name: fmt.Sprintf("%s, connections: %d", strategy, connections), connections: connections,
				script: w.holding(holds{strategy: strategy, lines: 1}),
			}))
		}
		curves = append(curves, along)
	}
	var runs []baselineRun
	along := curve{name: "pgbench, hand-written SQL"}
	for _, clients := range fourfold(min(w.sizes.connections, sweepClientsMax)) {
		along.points = append(along.points, point{connections: clients, row: len(contenders) + len(runs)})
		runs = append(runs, baselineRun{baselineHold, clients})
	}
	rows, bases, err := w.againstBaselines(ctx, 1, contenders, runs...)
	if err != nil {
		return err
	}
	if len(bases) > 0 {
		curves = append(curves, along)
	}
	w.reportMemory()
	if w.settings.plot == "" {
		return nil
	}
	rows = append(rows, bases...)
	for _, c := range curves {
		for i := range c.points {
			p := &c.points[i]
			p.perSecond = rows[p.row].PerSecond
			p.low, p.high = rows[p.row].extremes()
		}
	}
	subtitle := fmt.Sprintf("%s, %d processors for load, server and PostgreSQL together; median of the rounds, and their range", time.Now().UTC().Format(time.DateOnly), thisMachine().Processors)
	return os.WriteFile(w.settings.plot, plot(curves, "Holds of one SKU a second", subtitle), 0o644)
}

// fourfold is 1, 4, 16 and so on, up to the most.
func fourfold(most int) (steps []int) {
	for step := 1; step <= most; step *= 4 {
		steps = append(steps, step)
	}
	return steps
}
