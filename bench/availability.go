package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// pageSKUs is how many SKUs a page of a shop asks for.
const pageSKUs = 50

var availability = workload{
	name: "availability",
	about: `what storefronts ask: the availability of 1 and of 50 of -skus SKUs, in turn with the same query at a server whose
resolvers do nothing. Target: with 1 SKU, 60 % of that`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3, skus: 1000},
	run:     runAvailability,
}

func runAvailability(ctx context.Context, w *world) error {
	if w.sizes.skus < pageSKUs {
		return fmt.Errorf("a page asks for %d SKUs: -skus is at least that", pageSKUs)
	}
	if err := w.createSKUs(ctx, 0, w.sizes.skus); err != nil {
		return err
	}
	one, page := drive{name: "1 SKU", script: w.asking(1)}, drive{name: "50 SKUs", script: w.asking(pageSKUs)}
	rows, ceilings, err := w.belowCeiling(ctx, []contender{w.driven(one), w.driven(page)}, one, page)
	if err != nil {
		return err
	}
	if len(ceilings) > 0 {
		w.result.ratioAtLeast("1 SKU against resolvers that do nothing", ratioOf(rows[0], ceilings[0], round.perSecond).inPercent(), "%", 60)
		w.result.ratio("50 SKUs against resolvers that do nothing", ratioOf(rows[1], ceilings[1], round.perSecond).inPercent(), "%")
	}
	w.reportMemory()
	return nil
}

const availabilityQuery = `query($skus:[String!]!){availability(skus:$skus){id sku total reserved allocated available version}}`

// asking asks for the availability of so many SKUs that follow each other,
// beginning with any.
func (w *world) asking(count int) script {
	return func(d *driver) (func() error, error) {
		skus := make([]string, count)
		for i := range skus {
			skus[i] = w.sampleSKU(i)
		}
		body, err := request(availabilityQuery, map[string]any{"skus": skus})
		if err != nil {
			return nil, err
		}
		query, places := newTemplate(d.caller, body), make([]place, count)
		for i, sku := range skus {
			if places[i], err = query.place(sku); err != nil {
				return nil, err
			}
		}
		return func() error {
			first := rand.IntN(w.sizes.skus)
			for i := range places {
				places[i].putNumber(int64((first+i)%w.sizes.skus), skuDigits)
			}
			answer, outcome, err := d.call(query)
			if outcome == done && bytes.Contains(answer, []byte("null")) {
				return fmt.Errorf("a SKU wasn't found: %.300s", answer)
			}
			return err
		}, nil
	}
}
