package streams

import "time"

// timing is how long the transports wait for what.
type timing struct {
	// turn is the longest that a connection waits to begin, of many that come at
	// once: on two processors, longer than it takes all that a server has by
	// default, and less than an answer may take by default.
	turn time.Duration

	// hello is how long a client may take to say hello, or to say what an event
	// stream is to be of.
	hello time.Duration

	// write is how long a write may find no room in the kernel's buffers.
	write time.Duration

	// probe and answer together are how long one who has stopped reading goes
	// unnoticed: less than ten seconds.
	probe, answer time.Duration

	// heartbeat keeps proxies from closing an event stream that is silent.
	heartbeat time.Duration

	// drainSpread is the time over which a drain closes connections: a second
	// is little beside the grace, and much for a server that they all go to.
	drainSpread time.Duration
}

var defaultTiming = timing{
	turn:        25 * time.Second,
	hello:       10 * time.Second,
	write:       5 * time.Second,
	probe:       3 * time.Second,
	answer:      5 * time.Second,
	heartbeat:   12 * time.Second,
	drainSpread: time.Second,
}
