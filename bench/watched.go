package main

import (
	"context"
	"fmt"
	"time"
)

var watched = workload{
	name: "watched",
	about: `everybody wants one SKU and others look on: holds of one unit, in turn without subscribers and with them. Targets:
2 s after the last hold each subscriber's value is the database's; no version ever fell`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3, subscribers: 100},
	run:     runWatched,
}

func runWatched(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	strategy := w.settings.strategies[0]
	sale := w.driven(drive{name: strategy, script: w.holding(holds{strategy: strategy, lines: 1})})
	var worst time.Duration
	var events, notRisen int64
	var seconds float64
	beforeAll := contender{fmt.Sprintf("%s, %d subscribers", strategy, w.sizes.subscribers), func(ctx context.Context) (measured, error) {
		audience, err := w.watch(ctx, audienceSpec{servers: w.servers, fields: briefly, follow: func(int) []int { return []int{0} }})
		if err != nil {
			return measured{}, err
		}
		defer audience.close()
		m, err := sale.measure(ctx)
		if err != nil {
			return m, err
		}
		version, err := w.versionNow(ctx, 0)
		if err != nil {
			return m, err
		}
		took, all, err := catchUp(ctx, audience.watchers, map[int]int64{0: version})
		if err != nil {
			return m, err
		}
		if !all {
			took = deliveryPatience
		}
		worst = max(worst, took)
		events += audience.events()
		notRisen += audience.notRisen()
		seconds += m.seconds
		return m, audience.failure()
	}}
	rows, err := w.contest(ctx, []contender{sale, beforeAll})
	if err != nil {
		return err
	}
	r := w.result
	r.ratio("with subscribers, against without", ratioOf(rows[1], rows[0], round.perSecond).inPercent(), "%")
	r.figure("events", float64(events)/seconds, "/s")
	r.figureAtMost("last values are the database's after", worst.Seconds(), "s", catchUpTarget.Seconds())
	r.figureAtMost("events whose version did not rise", float64(notRisen), "", 0)
	w.reportMemory()
	return nil
}

const versionQuery = `query($skus:[String!]!){availability(skus:$skus){version}}`

// versionNow is the version of a SKU as the database has it.
func (w *world) versionNow(ctx context.Context, sku int) (int64, error) {
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return 0, err
	}
	defer c.close()
	var found []struct{ Version int64 }
	if err := c.ask(versionQuery, map[string]any{"skus": w.skus([]int{sku})}, "availability", &found); err != nil {
		return 0, err
	}
	return found[0].Version, nil
}
