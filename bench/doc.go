// Command bench drives Holdfast as its users do, over HTTP, WebSocket and SSE,
// and says how fast it answers and tells.
//
//	machine ─ PostgreSQL, the program ─► world ─ database, servers ─► workload ─► result
//
// Each workload has a file and its line in the registry, workload.go. It gets a
// world of its own: an empty database and servers that were just started, so
// that the memory it measures is what it took. What the workloads share are the
// loops (loop.go), the caller of queries and mutations (caller.go), load as fast
// as it goes (drive.go), contenders that take turns (contest.go), the streams of
// subscriptions (stream.go), the watchers that keep what streams told
// (watcher.go) and the changes that they are compared with (changes.go).
//
// # What a latency is
//
// Load is paced, where latency is the question: call number i is due at
// begin + i/rate, whether or not the calls before it were answered. A call that
// the loop began late is as slow as it was for a user who came in time, so its
// latency counts from when it was due. Where a delivery is measured it counts from when the request was sent,
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
// # What a throughput is
//
// Load is closed, where throughput is the question: each connection calls again
// as soon as it was answered. A rate by itself tells of a machine and of its
// disk's mood; so those that are compared take turns, one round each and then
// again, and what is told is ratios of the same round: to hand-written SQL that
// pgbench runs on the same PostgreSQL (pgbench.go, baseline), to the same HTTP
// and GraphQL with resolvers that do nothing (ceiling). Only the answers that
// were wanted count. After it the database must have as many reservations as
// were acknowledged, neither less nor more (counts.go).
//
// # Load and what is loaded share the machine
//
// So clients are made to be cheap: requests and frames are written and read by
// hand, requests that are made often are patched rather than built (template.go),
// and nothing is parsed but the few numbers that are looked for. What is left is
// the kernel's. The client's own share of the processor is told with each
// workload and each contender.
package main
