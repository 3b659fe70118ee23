// Package inventory is the domain: who gets the last unit. Whether there is
// enough, where it is taken from and whether a reservation may end so is
// decided here and nowhere else, by pure functions over plain values. There is
// no SQL, no clock and no context in it.
//
// A group of commands is decided at once. [Decide] is given the rows that the
// group touches and the time, and returns each command's [Outcome] and the
// [Changes] to write:
//
//	           State (levels, reservations, tokens, now)
//	             │
//	requests ──► Decide ──► one Outcome a request   reservation, or why not
//	             │
//	             └────────► Changes                 what to write, all or none
//
// Commands are decided in the order given, each against what those before it
// left. A refused command changes nothing, with one exception: one that names
// a hold past its deadline ends that hold first, and is judged by what is then
// true. A repeated client token answers the reservation as it stands, overdue or
// not: the levels to end it with aren't loaded.
//
//	         hold             convert              fulfil
//	(none) ────────► HELD ───────────────► ALLOCATED ───────► FULFILLED
//	   │              │ │                   ▲    │    cancel
//	   │      release │ │ deadline passes   │    └──────────► CANCELLED
//	   │              ▼ ▼                   │
//	   │       RELEASED EXPIRED             │
//	   └────────────────────────────────────┘
//	                  allocate
package inventory
