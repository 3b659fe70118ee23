package expiry

import (
	"time"

	"holdfast/internal/inventory"
)

// progress is how far the passes have come. Deadlines are in the database's
// time, and when a pass began in this machine's.
type progress struct {
	// cursor is the deadline up to which holds were ended.
	cursor time.Time
	// behind is the earliest deadline that was due and may have been passed
	// over; zero if there was none.
	behind time.Time
	// lookedAt is when the last pass began that went back behind the cursor,
	// wholeAt when the last from the beginning did.
	lookedAt, wholeAt time.Time
}

// pass is one pass on its way.
type pass struct {
	from     time.Time
	beganAt  time.Time
	goesBack bool
	whole    bool
	swept    bool
}

// begin decides from where a pass goes. The next deadline lies before the
// cursor if it was announced late.
func (p *progress) begin(now, next time.Time, interval time.Duration) pass {
	begun := pass{beganAt: now, from: earlier(p.cursor, next)}
	switch {
	case p.wholeAt.IsZero() || now.Sub(p.wholeAt) >= interval:
		begun.whole, begun.goesBack = true, true
		begun.from = time.Time{}
	case now.Sub(p.lookedAt) >= lookEvery:
		begun.goesBack = true
		begun.from = earlier(begun.from, earlier(p.behind, p.cursor.Add(-lateCommitMax)))
	}
	return begun
}

// advance takes note of a sweep, and moves the pass on.
func (p *progress) advance(current *pass, swept inventory.Swept) {
	if !current.swept {
		current.swept = true
		p.noteFirst(*current, swept)
	}
	current.from = swept.Through
	// It may go back: all passes begin at the cursor or before.
	p.cursor = swept.Through
}

func (p *progress) noteFirst(current pass, swept inventory.Swept) {
	var due time.Time
	if swept.Due() {
		due = swept.Next
	}
	if !current.goesBack {
		p.behind = earlier(p.behind, due)
		return
	}
	// Nothing is due before it. If it is ended now, the next pass that goes
	// back finds it gone.
	p.behind = due
	p.lookedAt = current.beganAt
	if current.whole {
		p.wholeAt = current.beganAt
	}
}

// earlier is the earlier of two times, where zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
