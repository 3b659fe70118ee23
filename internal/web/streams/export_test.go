package streams

import "time"

// Timing is how long the transports wait in a test. What is zero stays as it is
// outside of tests.
type Timing struct{ Turn, Hello, Write, Probe, Answer, Heartbeat, DrainSpread time.Duration }

// NewTimed returns transports that wait no longer than a test can.
func NewTimed(options Options, t Timing) *Streams {
	s := New(options)
	for field, value := range map[*time.Duration]time.Duration{
		&s.timing.turn: t.Turn, &s.timing.hello: t.Hello, &s.timing.write: t.Write, &s.timing.probe: t.Probe,
		&s.timing.answer: t.Answer, &s.timing.heartbeat: t.Heartbeat, &s.timing.drainSpread: t.DrainSpread,
	} {
		if value != 0 {
			*field = value
		}
	}
	return s
}

// Clients counts the connections.
func (s *Streams) Clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Executions counts the subscriptions that are carried out for those who share
// them.
func (s *Streams) Executions() int {
	s.sharing.mu.Lock()
	defer s.sharing.mu.Unlock()
	return len(s.sharing.sources)
}

// Departing says whether a drain has told each WebSocket to go, and BrokenOff
// whether it has told each that there is no more time.
func (s *Streams) Departing() bool { return s.all(func(c *connection) bool { return c.departing }) }
func (s *Streams) BrokenOff() bool { return s.all(func(c *connection) bool { return c.broken }) }

func (s *Streams) all(is func(*connection) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.open {
		c, isWebSocket := client.(*connection)
		if !isWebSocket {
			continue
		}
		c.mu.Lock()
		holds := is(c)
		c.mu.Unlock()
		if !holds {
			return false
		}
	}
	return true
}
