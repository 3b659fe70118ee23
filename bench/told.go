package main

import "time"

// told is how long changes took to their subscribers.
type told struct {
	fromSent, fromAnswered *histogram
	missing                int64
}

func newTold() *told { return &told{fromSent: new(histogram), fromAnswered: new(histogram)} }

// compare finds the delivery of each change to this watcher, of the changes
// that were sent in [from, to).
func (t *told) compare(made *changes, one *watcher, from, to time.Time) {
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, sku := range one.skus {
		rest := one.heard[sku]
		if len(rest) == 0 {
			continue
		}
		present := rest[0].version // known from the start, and no delivery
		for _, c := range made.sorted(sku) {
			for len(rest) > 0 && rest[0].version < c.version {
				rest = rest[1:]
			}
			switch {
			case c.version <= present || c.sent.Before(from) || !c.sent.Before(to):
			case len(rest) == 0:
				t.missing++
			default:
				t.fromSent.record(rest[0].since(c.sent))
				t.fromAnswered.record(rest[0].since(c.answered))
			}
		}
	}
}

// compareAll does so for all changes and watchers.
func (t *told) compareAll(made *changes, watchers []*watcher) {
	for _, one := range watchers {
		t.compare(made, one, time.Time{}, time.Now())
	}
}
