package streams

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// quietProbes is how many turns a connection is left in peace to which nothing
// was sent: proxies close what is silent for a minute.
const quietProbes = 8

// probe finds out whether a client still reads.
type probe struct {
	ws     *websocket.Conn
	timing timing
	fails  func()
	// owesAnswer says that something was sent since the last ping.
	owesAnswer atomic.Bool

	mu      sync.Mutex
	timer   *time.Timer
	skipped int
	stopped bool
}

func newProbe(ws *websocket.Conn, timing timing, fails func()) *probe {
	p := &probe{ws: ws, timing: timing, fails: fails}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(timing.probe, p.run)
	return p
}

func (p *probe) expectAnswer() {
	if !p.owesAnswer.Load() { // the writes of a crowd don't share a cache line for nothing
		p.owesAnswer.Store(true)
	}
}

func (p *probe) run() {
	p.skipped++
	if p.owesAnswer.Load() || p.skipped >= quietProbes {
		p.skipped = 0
		p.owesAnswer.Store(false)
		if !p.answered() {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.timer.Reset(p.timing.probe)
	}
}

// answered pings and waits. The answer must have what the ping had in it.
func (p *probe) answered() bool {
	ctx, cancel := context.WithTimeout(context.Background(), p.timing.answer)
	defer cancel()
	if p.ws.Ping(ctx) == nil {
		return true
	}
	if ctx.Err() != nil { // and not because the connection was closed
		p.fails()
	}
	return false
}

func (p *probe) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.timer.Stop()
}
