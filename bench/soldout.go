package main

import (
	"context"
	"fmt"
	"time"
)

// noStock is how holds of a SKU that is sold out are refused.
const noStock = "INSUFFICIENT_STOCK"

var soldout = workload{
	name: "soldout",
	about: `everybody comes too late: holds of one SKU of which nothing is left, all refused, in turn with the same mutation at a
server whose resolvers do nothing. Target: 60 % of that`,
	servers: 1,
	sizes:   sizes{duration: 5 * time.Second, connections: 256, rounds: 3},
	run:     runSoldout,
}

func runSoldout(ctx context.Context, w *world) error {
	if err := w.createSKUs(ctx, 0, 1); err != nil {
		return err
	}
	if err := w.setStock(ctx, 0, 0); err != nil {
		return err
	}
	var contenders []contender
	for _, strategy := range w.settings.strategies {
		contenders = append(contenders, w.driven(drive{name: strategy, wanted: noStock, script: w.holding(holds{strategy: strategy, lines: 1})}))
	}
	rows, ceilings, err := w.belowCeiling(ctx, contenders, drive{name: "createHold", wanted: noStock, script: w.holding(holds{strategy: pessimistic, lines: 1})})
	if err != nil {
		return err
	}
	for i, strategy := range w.settings.strategies {
		if len(ceilings) > 0 {
			w.result.ratioAtLeast(strategy+" against resolvers that do nothing", ratioOf(rows[i], ceilings[0], round.perSecond).inPercent(), "%", 60)
		}
	}
	w.reportMemory()
	return nil
}

const setStock = `mutation($input:SetStockInput!){setStock(input:$input){userErrors{code}}}`

// setStock sets what there is of a SKU.
func (w *world) setStock(ctx context.Context, sku, total int) error {
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return err
	}
	defer c.close()
	set, err := prepare(setStock)
	if err != nil {
		return err
	}
	answer, err := c.post(set.with(nil, `{"clientToken":%q,"sku":%q,"total":%d,"reason":"CORRECTION"}`, w.run+"-"+newRunName(), w.sku(sku), total))
	if err == nil && outcomeOf(answer) != done {
		err = fmt.Errorf("setStock was answered %s", answer)
	}
	return err
}
