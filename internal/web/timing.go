package web

import "time"

// timing is how long the server waits for what.
type timing struct {
	// notice is how long a server that is to stop goes on answering, so that
	// load balancers see /readyz fail and clients leave their connections.
	notice time.Duration

	// entering is how long after that those may take to be let in who were about
	// to be.
	entering time.Duration

	// hearing is how long after that those who were let in last may take to say
	// what they want.
	hearing time.Duration

	// farewell is how long before a stop's end a request is given up that isn't
	// finished, so that its client gets an answer.
	farewell time.Duration

	// body is how long a request's body may take to come. It is less than the
	// grace of a stop, which waits for it.
	body time.Duration

	// answer is how long a client may take to read an answer, beyond the time
	// that the request itself may take.
	answer time.Duration
}

var defaultTiming = timing{
	notice:   time.Second,
	entering: 100 * time.Millisecond,
	hearing:  500 * time.Millisecond,
	farewell: 500 * time.Millisecond,
	body:     10 * time.Second,
	answer:   5 * time.Second,
}
