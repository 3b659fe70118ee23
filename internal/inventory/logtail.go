package inventory

import "time"

// LogLook is where the audit log ends at a moment, and which transactions may
// still write to it.
type LogLook struct {
	// Last is the position that was drawn last, whether its entry can be seen or
	// not.
	Last int64
	// Top is the highest position of an entry that can be seen.
	Top int64
	// Next is a transaction id that was not yet given out when Last was read.
	Next int64
	// Oldest is such that all transactions with lower ids have ended, and what
	// they wrote can be seen.
	Oldest int64
	// Run is when the database was started: another run may know nothing of what
	// this one didn't make durable.
	Run int64
}

// LogSpan is a stretch of positions in the audit log, both ends included.
type LogSpan struct{ From, Through int64 }

// LogNews is what the entries of some spans tell.
type LogNews struct {
	// Levels are the levels that they changed, as the last of them left each.
	Levels []StockLevel
	// Reservations are the ids of those that were not made but changed.
	Reservations []string
	// Reached is up to where the spans were read.
	Reached int64
	// Missing are the stretches of the spans of which no entry was read, in order.
	Missing []LogSpan
	// Entries is how many there are.
	Entries int
	// Lag is how long ago the first of them happened, by the database's clock.
	Lag time.Duration
}
