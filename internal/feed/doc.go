// Package feed tells subscribers of changes of stock and reservations, on
// whichever server they were made.
//
//	commit ─► Announce ──────┐
//	                         ▼
//	audit log ─► reader ─► hub ─► one pending value per subscriber and subject ─► channel
//	               │
//	               └ settled ─► followers ─► pages of entries ─► channel
//
// # Latest value
//
// A subscriber first gets the present state, then each change that it hasn't
// seen a newer one of. What it hasn't taken yet is overwritten by what comes
// next: a slow reader gets the latest value late, never a backlog. Changes may
// be told out of order, and twice; versions put them right, and what was told
// while the present state was read is laid over it.
//
// A server's own changes are told straight after their commit. All servers'
// changes, those included, are read from the audit log, where each entry has the
// counters after it. That is also how those are told whose server was killed
// between its commit and the telling.
//
// # The doorbell
//
// The reader looks at where the log ends: one statement of three numbers, a
// hundred times a second while there is something to be told, and once a second
// while nobody wants to know. LISTEN and NOTIFY would tell it without looking,
// but a look puts no load on the write path, where a NOTIFY takes a lock of the
// whole database at its commit; it needs no connection of its own; it works behind
// a pooler of transactions; and a lost connection costs one look, not the rings
// that nobody heard.
//
// # What is still to come
//
// An entry's id, which is its position in the log, is drawn before the commit,
// so that entries become visible out of order. The two kinds of readers have two
// rules.
//
// The latest-value reader reads all that is visible, and remembers the stretches
// where nothing was: it looks there again until an entry appears or is known
// never to come. It waits for nobody, and for an entry at most finishedAfter.
//
// A follower wants every entry, once and in order, and is told of none before
// all those in front of it are settled. Each look reads, in this order, the
// position that was drawn last, and the transaction id that will be given out
// next. Whoever has drawn that position or one before it had a transaction id
// before, for a command writes its levels or its reservation before its entries,
// and so it has a lower id. When the snapshot of a later look says that all
// transactions with lower ids have ended, the position is settled: no entry up to
// it is still to come. So a follower waits for all transactions of the cluster
// that write, ours or not.
//
// # When things fail
//
// The reader says so once, tries again after ever longer pauses, and says when
// it goes on. It goes on from where it was, so nothing is missed. But if
// PostgreSQL has crashed, positions and transaction ids may be given out again
// that no commit made durable: so nothing counts as settled until it is settled
// anew, and what lies behind the last entry that was seen is read once more. A
// look that follows a crash may succeed, on a new connection, where none fell
// into the crash; so each tells when the database was started.
//
// If the log ends before an entry that was seen, the database was restored, or
// is another. The reader begins anew as it did at the start, with what a
// transaction may have left under way, and followers are told by their own
// reading that they must too.
package feed
