// Package groupcommit lets many callers share one flush: what arrives while a
// flush is under way goes into the next one, as a group.
//
// # Why groups
//
// A flush ends with a wait that costs the same for one command as for a
// hundred: a commit waits for the disk, and rivals for one row wait for each
// other's commit. Commands that are flushed together wait once. The flush
// before is what collects the next group, so no timer does: with nothing under
// way a command starts a group at once and alone, and the busier the lane, the
// larger its groups. A lane runs one group at a time, in order of arrival.
//
// The flush runs on the lane's own goroutine. A caller could lead the group in
// its own and save the two switches, under a microsecond beside a commit;
// but then it couldn't leave when its context ends. A goroutine that lives as
// long as the lane also keeps its stack grown, which one started for each
// group has to grow again (five times the cost for a flush with a deep stack).
//
// # The states of a command
//
//	Do ──► waiting ──► under way ──► answered
//	        ▲  │         │ │ │
//	        │  │  Again  │ │ └─────► abandoned: its caller left, ErrUnknown
//	        └──┼─────────┘ │
//	           │           │ Alone
//	           │           ▼
//	           │         set aside ──► under way, alone ──► answered (or Again)
//	           ▼           │
//	          left, ErrNotStarted
//
// Waiting commands stand in the queue by arrival. One that settles Again keeps
// its arrival, and so its place ahead of what came later. One that settles
// Alone runs beside the lane in a group of one, where it may take its time.
// Nothing was done for a command that waits or is set aside, so a caller whose
// context ends takes it away. While it is under way nobody can: the group
// belongs to the lane. What an abandoned command settles is dropped, and it
// doesn't run again.
//
// # Who is answered when
//
// Every caller gets its own answer, once its own flush has returned, and none
// before. The flush alone says what an answer is: this package never invents a
// success.
//
// # When things fail
//
//   - The flush fails as a whole: each command of the group gets the error. A
//     flush that knows better, because some of its work is done or a culprit
//     can be found, settles its commands one by one instead.
//   - The flush panics, or doesn't settle every command: the group gets an
//     error, and the lane lives on. What became of the work is then unknown.
//   - The queue is full: ErrOverloaded at once.
//   - The lane is stopped: it finishes what it has, bounded by Stop's context.
package groupcommit
