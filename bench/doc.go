// Command bench drives Holdfast as its users do, over HTTP, WebSocket and SSE,
// and says how fast it answers and tells.
//
//	machine ─ PostgreSQL, the program ─► world ─ database, servers ─► workload ─► result
//
// Each workload has a file and its line in the registry, workload.go. It gets a
// world of its own: an empty database and servers that were just started, so
// that the memory it measures is what it took. What the workloads share are the
// loops (loop.go), the caller of queries and mutations (caller.go), the streams
// of subscriptions (stream.go), the watchers that keep what streams told
// (watcher.go) and the changes that they are compared with (changes.go).
//
// # What a latency is
//
// Load is paced: call number i is due at begin + i/rate, whether or not the
// calls before it were answered. A call that the loop began late is as slow as
// it was for a user who came in time, so its latency counts from when it was
// due. Where a delivery is measured it counts from when the request was sent,
// or from when its answer had been read. How late the loop sent what was due is
// told beside it: where that isn't small, the client is what was measured.
//
// A subscriber is told the latest value, not each: a change is delivered with
// the first version at or above its own. Deliveries may overtake the answer, for
// a server tells its subscribers and the caller at once; from the answer such a
// delivery took 0.
//
// A change that was never delivered has no latency, so it is counted: a target
// is reached only if none is missing.
//
// # Load and what is loaded share the machine
//
// So clients are made to be cheap: requests and frames are written and read by
// hand, and nothing is parsed but the few numbers that are looked for. The
// client's own share of the processor is told with each workload.
package main
