// Package expiry ends holds when their deadline comes.
//
// # Timed, not polled
//
// The scheduler sleeps until the next deadline it knows. It learns of its own
// server's holds as they are announced, and of everybody's from the sweeps:
// each answers the earliest deadline that is still to come. It looks at least
// once a second, for the holds that other servers made meanwhile. Where nothing
// is due, a look is one query that reads one index entry, and a rollback; an idle
// server does nothing else.
//
//	Announce ──► next deadline ◄── what the last look found
//	                  │
//	     sleep until then, a second at most
//	                  │
//	                  ▼
//	pass: sweep, sweep, … until one is short of its limit ──► cursor moves on
//
// # Who is authoritative
//
// The database. Whether a hold is due is decided there, by its clock, in the
// transaction that ends the hold; a pass that comes early finds nothing. The
// scheduler takes differences between times of the database, and measures on
// its own clock only how long ago it was told. Any number of servers sweep at
// once: each passes over the holds that another has locked.
//
// # From where
//
// Ended holds leave dead entries behind in the index, up to the next vacuum. So
// a pass goes on from the cursor: the deadline up to which holds were ended. Two
// kinds of holds stay behind it.
//
//   - Those that were passed over because somebody had locked them, or their
//     stock. The scheduler remembers the earliest deadline that was due.
//   - Those whose commit came so late that the cursor was past their deadline.
//     Its own server's are announced, and the cursor goes back for them. For
//     those of other servers, one pass a second goes back by lateCommitMax.
//
// At the start, and every Options.Interval, a pass begins with the first entry
// of the index. It finds what anything above has missed.
//
// # When things fail
//
// Nothing is lost: to end a hold twice does nothing, so a sweep whose outcome is
// unknown is simply run again. The scheduler says so once, tries again after
// ever longer pauses, and says when it goes on.
package expiry
