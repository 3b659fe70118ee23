package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is how often the line is drawn.
const progressInterval = 200 * time.Millisecond

// progress shows on a terminal what is being done. Elsewhere it is silent.
type progress struct {
	out   io.Writer
	shown bool
	ended chan struct{} // closed once what is shown is no longer drawn; nil if nothing is
	stop  chan struct{}
}

func newProgress(out io.Writer) *progress { return &progress{out: out, shown: isTerminal(out)} }

// begin shows a step in place of the one before: how far it is of a known
// duration, and how much is done, where that is counted.
func (p *progress) begin(step string, duration time.Duration, done func() int64) {
	p.end()
	if !p.shown {
		return
	}
	length := int64(-1)
	if duration > 0 {
		length = duration.Milliseconds()
	}
	bar := progressbar.NewOptions64(length,
		progressbar.OptionSetWriter(p.out),
		progressbar.OptionSetDescription(step),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionClearOnFinish(),
	)
	p.stop, p.ended = make(chan struct{}), make(chan struct{})
	go p.draw(bar, step, length, done)
}

func (p *progress) draw(bar *progressbar.ProgressBar, step string, length int64, done func() int64) {
	defer close(p.ended)
	begun := time.Now()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		if done != nil {
			bar.Describe(fmt.Sprintf("%s: %d", step, done()))
		}
		passed := time.Since(begun).Milliseconds()
		if length > 0 {
			// At its end the bar would clear itself, and be drawn no more.
			passed = min(passed, length-1)
		}
		_ = bar.Set64(passed)
		select {
		case <-ticker.C:
		case <-p.stop:
			_ = bar.Clear()
			return
		}
	}
}

// end takes the line away.
func (p *progress) end() {
	if p.ended != nil {
		close(p.stop)
		<-p.ended
		p.ended = nil
	}
}
