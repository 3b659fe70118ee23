package feed

import (
	"slices"
	"time"

	"holdfast/internal/inventory"
)

const (
	// finishedAfter is when a transaction must have ended that has drawn a
	// position: the server gives it up after HOLDFAST_REQUEST_TIMEOUT, which is
	// at most 55 s, and PostgreSQL soon after that. Only the latest-value reader
	// relies on it.
	finishedAfter = 2 * time.Minute

	// Marks wait to be settled while some transaction of the cluster goes on
	// writing. Beyond the first number of them they are set a second apart, and
	// beyond the second every other of the old ones is left out.
	closeMarksMax = 128
	marksMax      = 1000

	// unseenMax bounds the stretches that are read anew with each look. Beyond
	// it they grow together, over entries that are then read again.
	unseenMax = 1000
)

// window is how far the audit log was read, and how far it is settled. It takes
// no part in the reading.
type window struct {
	begun bool
	// last, top and run are those of the last look.
	last, top, run int64
	// covered is up to where positions were read, or are among the unseen.
	covered int64
	unseen  []unseen
	// marks are waiting to be settled, in their order.
	marks []mark
	// settled is such that no entry up to it is still to come, if isSettled.
	settled   int64
	isSettled bool
	// past is the same, as far as finishedAfter can be trusted.
	past int64
}

// unseen is a stretch where no entry could be seen, and since when that is so.
type unseen struct {
	span  inventory.LogSpan
	since time.Time
}

// mark is a position, and a transaction id such that whoever has drawn the
// position, or one before it, has a lower one.
type mark struct {
	last, next int64
	at         time.Time
}

// begin has everything behind the position read.
func (w *window) begin(before int64) {
	*w = window{begun: true, covered: max(0, before), past: max(0, before)}
}

// look takes note of a look. It answers false where the log ends before what it
// has seen of it.
func (w *window) look(look inventory.LogLook, now time.Time) bool {
	if w.run != look.Run && w.run != 0 {
		w.lose() // between two looks: neither had to fail
	}
	w.run = look.Run
	if look.Last < w.last {
		return false
	}
	w.last, w.top = look.Last, look.Top
	w.settle(look.Oldest, now)
	w.mark(look, now)
	if w.covered < w.last {
		w.unseen = append(w.unseen, unseen{inventory.LogSpan{From: w.covered + 1, Through: w.last}, now})
		w.covered = w.last
	}
	return true
}

func (w *window) settle(oldest int64, now time.Time) {
	settled := 0
	for _, m := range w.marks {
		if m.next <= oldest {
			w.settled, w.isSettled = m.last, true
			settled++
		}
		if m.next <= oldest || now.Sub(m.at) > finishedAfter {
			w.past = max(w.past, m.last)
		}
	}
	w.marks = slices.Delete(w.marks, 0, settled)
}

func (w *window) mark(look inventory.LogLook, now time.Time) {
	count := len(w.marks)
	switch {
	case count == 0 && w.isSettled && w.settled == look.Last, count > 0 && w.marks[count-1].last == look.Last:
		return // there is one
	case count > closeMarksMax && now.Sub(w.marks[count-2].at) < time.Second:
		w.marks = w.marks[:count-1]
	case count >= marksMax:
		odd := false
		w.marks = slices.DeleteFunc(w.marks, func(m mark) bool {
			odd = !odd
			return !odd && now.Sub(m.at) > finishedAfter
		})
	}
	w.marks = append(w.marks, mark{look.Last, look.Next, now})
}

// spans is what is to be read.
func (w *window) spans() []inventory.LogSpan {
	spans := make([]inventory.LogSpan, len(w.unseen))
	for i, u := range w.unseen {
		spans[i] = u.span
	}
	return spans
}

// read takes note of what was read of the spans, later than the last look. What
// is still missing stays unseen, unless it is known never to come.
func (w *window) read(news inventory.LogNews, now time.Time) {
	before := w.unseen
	w.unseen = nil
	for _, span := range news.Missing {
		for before[0].span.Through < span.From {
			before = before[1:]
		}
		since := before[0].since
		if w.isSettled {
			span.From = max(span.From, min(w.settled, news.Reached)+1)
		}
		tooOld := span.Through <= news.Reached && now.Sub(since) > finishedAfter
		if span.From <= span.Through && !tooOld {
			w.unseen = append(w.unseen, unseen{span, since})
		}
	}
	if extra := len(w.unseen) - unseenMax; extra > 0 {
		w.unseen[extra].span.From = w.unseen[0].span.From
		w.unseen = slices.Delete(w.unseen, 0, extra)
	}
}

// pass has nothing read of what is past, because nobody wants it: who comes
// later reads a state that has all of that.
func (w *window) pass() { w.covered, w.unseen = w.past, nil }

// lose takes back what the database, if it crashed, may not know any more. That
// doesn't concern entries that were seen. Positions behind them may be drawn
// again, and so may transaction ids.
func (w *window) lose() {
	w.marks, w.isSettled = nil, false
	w.covered, w.past, w.last = min(w.covered, w.top), min(w.past, w.top), min(w.last, w.top)
	w.unseen = slices.DeleteFunc(w.unseen, func(u unseen) bool { return u.span.From > w.covered })
	if count := len(w.unseen); count > 0 {
		w.unseen[count-1].span.Through = min(w.unseen[count-1].span.Through, w.covered)
	}
}
