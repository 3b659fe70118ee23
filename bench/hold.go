package main

import (
	"fmt"
	"strings"
)

// createHold asks for what a storefront needs.
const createHold = `mutation($input:CreateHoldInput!){createHold(input:$input){reservation{id status expiresAt} replayed userErrors{code message}}}`

const (
	pessimistic = "PESSIMISTIC"
	optimistic  = "OPTIMISTIC"
)

// lockStrategies are what -strategy chooses from.
var lockStrategies = []string{pessimistic, optimistic}

// holds is how a workload makes holds: of one unit in each line.
type holds struct {
	strategy string
	lines    int
	// picker is of the lines' SKUs; nil: there is but one.
	picker picker
}

// holder makes holds over one connection.
type holder struct {
	*driver
	world    *world
	template template
	token    place
	skus     []place
	pick     func(skus []int)
	picked   []int
}

// tokenDigits is how many digits there are at the end of a client token.
const tokenDigits = 10

// tokenPrefix begins the client tokens of all that is held in this world.
func (w *world) tokenPrefix() string { return "bench-" + w.run + "-" }

// newToken is one that wasn't used.
func (w *world) newToken() string {
	return fmt.Sprintf("%s%0*d", w.tokenPrefix(), tokenDigits, w.tokens.Add(1))
}

// sampleSKU stands in a template where SKUs are put. No workload has so many.
func (w *world) sampleSKU(line int) string { return w.sku(99_999 - line) }

func (w *world) newHolder(d *driver, h holds) (*holder, error) {
	lines := make([]string, h.lines)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"sku":%q,"quantity":1}`, w.sampleSKU(i))
	}
	create, err := prepare(createHold)
	if err != nil {
		return nil, err
	}
	token := w.tokenPrefix() + strings.Repeat("0", tokenDigits)
	one := &holder{driver: d, world: w, skus: make([]place, h.lines), picked: make([]int, h.lines)}
	if h.picker != nil {
		one.pick = h.picker()
	}
	one.template = newTemplate(d.caller, create.with(nil, `{"clientToken":%q,"strategy":%q,"lines":[%s]}`, token, h.strategy, strings.Join(lines, ",")))
	if one.token, err = one.template.place(token); err != nil {
		return nil, err
	}
	for i := range one.skus {
		if one.skus[i], err = one.template.place(w.sampleSKU(i)); err != nil {
			return nil, err
		}
		one.skus[i].putNumber(0, skuDigits)
	}
	return one, nil
}

// hold makes one, under a token of its own, and returns the answer if it was
// made.
func (h *holder) hold() (answer []byte, isHeld bool, err error) {
	h.token.putNumber(h.world.tokens.Add(1), tokenDigits)
	if h.pick != nil {
		h.pick(h.picked)
		for i, number := range h.picked {
			h.skus[i].putNumber(int64(number), skuDigits)
		}
	}
	answer, outcome, err := h.call(h.template)
	h.world.acknowledged.hold(outcome)
	return answer, outcome == done, err
}

// holding makes holds again and again.
func (w *world) holding(h holds) script {
	return func(d *driver) (func() error, error) {
		one, err := w.newHolder(d, h)
		return func() error {
			_, _, err := one.hold()
			return err
		}, err
	}
}
