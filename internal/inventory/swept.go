package inventory

import "time"

// Swept is what a sweep of overdue holds found and did. Its times are the
// database's.
type Swept struct {
	// Now is when the sweep looked, before it ended anything.
	Now time.Time
	// Next is the earliest deadline of a hold that it found then; zero if there
	// was no hold.
	Next time.Time
	// Ended is how many holds it ended.
	Ended int
	// Through is where the next sweep goes on. Each hold with an earlier
	// deadline has been ended, or was passed over because others had locked
	// it, or was not committed yet.
	Through time.Time
	// More says that the sweep stopped at its limit, so that more may be due.
	More bool
}

// Due says whether the sweep found a hold whose deadline had come.
func (s Swept) Due() bool { return !s.Next.IsZero() && !s.Next.After(s.Now) }
