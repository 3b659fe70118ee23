package main

import (
	"context"
	"strings"
	"time"
)

const (
	convertHold = `mutation($input:ConvertHoldInput!){convertHold(input:$input){reservation{id status} replayed userErrors{code message}}}`
	releaseHold = `mutation($input:ReleaseHoldInput!){releaseHold(input:$input){reservation{id status} replayed userErrors{code message}}}`
)

var convert = workload{
	name: "convert",
	about: `everybody buys one SKU: holds of one unit, each converted as soon as it is made, counted as two operations; against
hand-written SQL that holds, and such that does both, in pgbench with 32 clients, in turn. Target: 8 times the holds`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3},
	run:     runConvert,
}

func runConvert(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	contenders := w.pairsByStrategy(convertHold)
	// The pair's own baseline competes beside the target's, which is the hold's.
	rows, bases, err := w.againstBaselines(ctx, 1, contenders, baselineRun{baselineHold, baselineClients}, baselineRun{baselineConvert, baselineClients})
	if err != nil {
		return err
	}
	for i, strategy := range w.settings.strategies {
		if len(bases) > 0 {
			w.result.ratioAtLeast(strategy+" against pgbench's holds", ratioOf(rows[i], bases[0], round.perSecond), "times", 8)
			w.result.ratio(strategy+" against pgbench's pairs", ratioOf(rows[i], bases[1], round.perSecond), "times")
		}
	}
	w.reportMemory()
	return nil
}

var release = workload{
	name:    "release",
	about:   `everybody changes their mind: holds of one unit of one SKU, each released as soon as it is made, counted as two operations`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3},
	run: func(ctx context.Context, w *world) error {
		if err := w.createSKUs(ctx, 0, 1); err != nil {
			return err
		}
		if _, err := w.contest(ctx, w.pairsByStrategy(releaseHold)); err != nil {
			return err
		}
		w.reportMemory()
		return nil
	},
}

// pairsByStrategy is the servers as contenders that hold and then end the hold.
func (w *world) pairsByStrategy(end string) []contender {
	var contenders []contender
	for _, strategy := range w.settings.strategies {
		contenders = append(contenders, w.driven(drive{name: strategy, script: w.pairing(strategy, end)}))
	}
	return contenders
}

// sampleID stands in a template where reservations' ids are put.
var sampleID = strings.Repeat("i", len("00000000-0000-0000-0000-000000000000"))

// pairing makes holds of one SKU and ends each that was made, by the mutation
// given.
func (w *world) pairing(strategy, end string) script {
	return func(d *driver) (func() error, error) {
		one, err := w.newHolder(d, holds{strategy: strategy, lines: 1})
		if err != nil {
			return nil, err
		}
		ending, err := prepare(end)
		if err != nil {
			return nil, err
		}
		request := newTemplate(d.caller, ending.with(nil, `{"reservationId":%q,"strategy":%q}`, sampleID, strategy))
		id, err := request.place(sampleID)
		if err != nil {
			return nil, err
		}
		return func() error {
			answer, isHeld, err := one.hold()
			if err != nil || !isHeld {
				return err
			}
			made, _ := stringAfter(answer, "id")
			if err := id.put(made); err != nil {
				return err
			}
			_, outcome, err := d.call(request)
			if end == convertHold {
				w.acknowledged.conversion(outcome)
			}
			return err
		}, nil
	}
}
