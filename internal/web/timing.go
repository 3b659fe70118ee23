package web

import "time"

// timing is how long the server waits for what.
type timing struct {
	// notice is how long a server that is to stop goes on answering, so that
	// load balancers see /readyz fail and clients leave their connections.
	notice time.Duration

	// hearing is how long after that those who were let in last may take to say
	// what they want. Their connections are new, for all others were told to
	// close.
	hearing time.Duration

	// body is how long a request's body may take to come. It is less than the
	// grace of a stop, which waits for it.
	body time.Duration

	// answer is how long a client may take to read an answer, beyond the time
	// that the request itself may take.
	answer time.Duration
}

var defaultTiming = timing{
	notice:  time.Second,
	hearing: 200 * time.Millisecond,
	body:    10 * time.Second,
	answer:  5 * time.Second,
}
