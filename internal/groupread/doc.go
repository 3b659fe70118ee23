// Package groupread lets many callers share one read: what arrives while reads
// are under way goes into the next one, as a group.
//
// # Why groups
//
// A statement costs much the same for one key as for twenty: the way there and
// back, parsing, planning. Callers that are read for together pay it once. The
// reads before are what collects the next group, so no timer does: while a lane
// is free a query is read for at once and alone, and the busier the lanes, the
// larger the groups.
//
// # What an answer may be from
//
//	Do ──► waiting ──► under way ──► answered
//	          │            │
//	          └────────────┴───────► left: its caller's context ended
//
// A group takes nobody in once its read has begun. So whatever was true when Do
// was called, or became true later, is what Do answers; a read that others had
// begun before might miss what the caller knows to be done. Nothing is kept for
// those who come later.
//
// # Lanes
//
// A few reads run at the same time, each on a lane, so that one which takes
// long doesn't hold up everybody. More lanes make smaller groups, which cost
// more for each query. The lanes share one queue, in order of arrival: a query
// waits for the first lane that is free. A lane is a goroutine that lives as
// long as somebody waits.
//
// # When things fail
//
//   - The read fails or panics: those who shared it get the error, nobody else.
//   - A caller's context ends: the caller leaves at once. Before the read began
//     its query is taken out; once it has begun, the read goes on for the others.
//   - The queue is full: ErrOverloaded at once.
package groupread
