package main

import (
	"context"
	"fmt"
	"time"
)

var hot = workload{
	name: "hot",
	about: `everybody wants one SKU: holds of one unit, against hand-written SQL in pgbench with 32 clients, in turn; then paced at
half of the peak. With -existing, against empty tables as well. Targets: 10 times the baseline where it locks, 8 times
where it doesn't; paced, 99 % within 20 ms; 90 % of what is held with empty tables; 200 MB`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3},
	run:     runHot,
}

// hotTargets are how many times the baseline's holds there must be.
var hotTargets = map[string]float64{pessimistic: 10, optimistic: 8}

// pacedShare is of its peak how much a server is paced at, and pacedTarget how
// soon it must then answer.
const (
	pacedShare  = 0.5
	pacedTarget = 20 * time.Millisecond
)

func runHot(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	contenders := w.holdsByStrategy(holds{lines: 1}, "")
	strategies := w.settings.strategies
	if w.settings.existing > 0 {
		if err := w.makeEmptyTwin(ctx); err != nil {
			return err
		}
		contenders = append(contenders, w.twin.holdsByStrategy(holds{lines: 1}, ", empty tables")...)
	}
	rows, bases, err := w.againstBaselines(ctx, 1, contenders, baselineRun{baselineHold, baselineClients})
	if err != nil {
		return err
	}
	for i, strategy := range strategies {
		if len(bases) > 0 {
			w.result.ratioAtLeast(strategy+" against pgbench", ratioOf(rows[i], bases[0], round.perSecond), "times", hotTargets[strategy])
		}
		if w.settings.existing > 0 {
			share := ratioOf(rows[i], rows[len(strategies)+i], round.perSecond)
			w.result.ratioAtLeast(strategy+" against empty tables", share.inPercent(), "%", 90)
		}
	}
	w.reportMemory()
	if w.sizes.rate > 0 {
		return nil
	}
	for i, strategy := range strategies {
		rate := pacedShare * rows[i].PerSecond
		name := fmt.Sprintf("%s, paced at %.0f a second", strategy, rate)
		m, err := w.drive(ctx, drive{
			name: name, servers: w.servers, connections: w.sizes.connections, duration: w.sizes.duration, rate: rate,
			script: w.holding(holds{strategy: strategy, lines: 1}),
		})
		if err != nil {
			return err
		}
		w.result.latencyAtMost(name, m.latencies, m.refused(), pacedTarget)
		w.result.latency(name+": due to sent (client)", m.late, 0)
		w.result.count(m.outcomes)
	}
	return nil
}

// holdsByStrategy is the servers as contenders that hold, one by each strategy
// that was asked for.
func (w *world) holdsByStrategy(h holds, where string) []contender {
	var contenders []contender
	for _, strategy := range w.settings.strategies {
		h.strategy = strategy
		contenders = append(contenders, w.driven(drive{name: strategy + where, script: w.holding(h)}))
	}
	return contenders
}
