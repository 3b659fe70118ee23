package main

import (
	"context"
	"time"
)

var servers = workload{
	name: "servers",
	about: `two servers on one database, and everybody wants one SKU: holds of one unit at one of the servers, and at both, in
turn. Targets: where they lock, both make 80 % of what the one does; no deadlocks`,
	servers: 2,
	needs:   needs{sql: true, servers: true},
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3},
	run:     runServers,
}

func runServers(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	before, err := w.deadlocks(ctx)
	if err != nil {
		return err
	}
	var contenders []contender
	for _, strategy := range w.settings.strategies {
		script := w.holding(holds{strategy: strategy, lines: 1})
		contenders = append(contenders,
			w.driven(drive{name: strategy + ", one server", servers: w.servers[:1], script: script}),
			w.driven(drive{name: strategy + ", two servers", script: script}))
	}
	rows, err := w.contest(ctx, contenders)
	if err != nil {
		return err
	}
	for i, strategy := range w.settings.strategies {
		name, share := strategy+", two servers against one", ratioOf(rows[2*i+1], rows[2*i], round.perSecond).inPercent()
		if strategy == pessimistic {
			w.result.ratioAtLeast(name, share, "%", 80)
		} else {
			w.result.ratio(name, share, "%")
		}
	}
	// A connection tells what it met within a second, or at its end.
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	after, err := w.deadlocks(ctx)
	if err != nil {
		return err
	}
	w.result.figureAtMost("deadlocks", float64(after-before), "", 0)
	w.reportMemory()
	return nil
}

// deadlocks is how many the database has ever broken.
func (w *world) deadlocks(ctx context.Context) (count int64, err error) {
	err = w.db.NewRaw("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(ctx, &count)
	return count, err
}
