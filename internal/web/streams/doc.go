// Package streams carries subscriptions to their subscribers: over WebSocket
// (graphql-transport-ws) and over server-sent events (graphql-sse's distinct
// connections). The library's own transports execute every subscription for
// itself, keep five goroutines for each, never drop a reader that has stopped
// reading, and tell clients at a drain that their stream is complete.
//
// # One execution for all who ask for the same
//
//	feed ──► source: one execution ──► encoded event ──► outbox ──► WebSocket
//	         for all who have sent     (once for all)    outbox ──► WebSocket
//	         the same subscription                       outbox ──► event stream
//
// Who sends the same query with the same variables joins the source that is
// there. An event is worked out and encoded once; for each subscriber it is
// put into an envelope and written. The source has the latest event of each
// subject, such as a SKU. One who joins gets those, but not before the feed
// has read the present state anew: what was acknowledged before is in it.
//
// # Slow readers
//
// An outbox keeps one event for each subject and never a backlog: what isn't
// written yet is replaced by what comes next. A subscription that must miss
// nothing, such as stockChanges, isn't shared, and waits for its reader
// instead.
//
// # Dead readers
//
// The kernel takes what nobody reads, for as long as its buffers have room, so
// a write that succeeds says little. A WebSocket that something was sent to is
// pinged, and must answer with what the ping held, which one who has stopped
// reading hasn't seen, whatever else it sends. That is a number, and may be
// guessed; but then, as for event streams, which have no pings, a write finds no
// room once the buffers are full, and nothing piles up until it does.
//
// # Drain
//
// Connections are closed one by one over a moment, so that clients don't come
// back all at once: a WebSocket with 1012 (service restart), an event stream by
// breaking it off, for an end in order would tell the client that nothing
// more is to come.
package streams
