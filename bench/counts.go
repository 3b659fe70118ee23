package main

import (
	"context"
	"fmt"
	"sync/atomic"
)

// acknowledged is what the servers answered as done.
type acknowledged struct {
	holds, conversions atomic.Int64
	// unknown calls may have had their effect or not: the server said so.
	unknown atomic.Int64
}

// hold counts the outcome of a call that was to make one.
func (a *acknowledged) hold(outcome string) { a.add(&a.holds, outcome) }

// conversion counts the outcome of a call that was to convert a hold.
func (a *acknowledged) conversion(outcome string) { a.add(&a.conversions, outcome) }

func (a *acknowledged) add(what *atomic.Int64, outcome string) {
	switch outcome {
	case done:
		what.Add(1)
	case unknownOutcome:
		a.unknown.Add(1)
	}
}

// unknownOutcome is the code by which a server says that.
const unknownOutcome = "UNKNOWN_OUTCOME"

// count is of what was acknowledged and what the database has of it. What was
// answered as done is there, and what was refused is not.
type count struct {
	What         string `json:"what"`
	Acknowledged int64  `json:"acknowledged"`
	Unknown      int64  `json:"unknown,omitempty"`
	Stored       int64  `json:"stored"`
	Agrees       bool   `json:"agrees"`
}

func newCount(what string, acknowledged, unknown, stored int64) count {
	return count{what, acknowledged, unknown, stored, acknowledged <= stored && stored <= acknowledged+unknown}
}

func (c count) String() string {
	said := "as many as"
	if !c.Agrees {
		said = "NOT as many as"
	}
	text := fmt.Sprintf("%s in the database: %d, %s were acknowledged", c.What, c.Stored, said)
	if !c.Agrees {
		text += fmt.Sprintf(": %d", c.Acknowledged)
	}
	if c.Unknown > 0 {
		text += fmt.Sprintf(" (with %d calls of unknown outcome)", c.Unknown)
	}
	return text
}

// checkCounts compares what this world's holds were answered with what became
// of them. Their tokens tell them from others'.
func (w *world) checkCounts(ctx context.Context) error {
	if w.tokens.Load() == 0 { // no holds were asked for
		return nil
	}
	if w.db == nil {
		w.result.note("whether the reservations are as many as were acknowledged needs SQL: say where the database is, with -database")
		return nil
	}
	var stored struct{ Made, Allocated int64 }
	err := w.db.NewRaw(`SELECT count(*) AS made, count(*) FILTER (WHERE status = 'ALLOCATED') AS allocated
		FROM reservations WHERE client_token LIKE ?`, w.tokenPrefix()+"%").Scan(ctx, &stored)
	if err != nil {
		return fmt.Errorf("count the reservations: %w", err)
	}
	unknown := w.acknowledged.unknown.Load()
	w.result.Counts = append(w.result.Counts,
		newCount("reservations", w.acknowledged.holds.Load(), unknown, stored.Made),
		newCount("allocations", w.acknowledged.conversions.Load(), unknown, stored.Allocated))
	return nil
}
