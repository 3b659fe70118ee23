package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is how often a bar is drawn.
const progressInterval = 200 * time.Millisecond

// progress shows on a terminal how far a transfer is. Elsewhere it is silent.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where nothing is to be shown
	begun time.Time
	drawn time.Time
}

// newProgress shows how much is read of so many bytes; -1 for unknown.
func newProgress(out io.Writer, size int64) *progress {
	p := &progress{out: out, begun: time.Now()}
	if isTerminal(out) {
		p.bar = progressbar.NewOptions64(size,
			progressbar.OptionSetWriter(out),
			progressbar.OptionShowBytes(size >= 0),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(progressInterval),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// reading counts what is read.
func (p *progress) reading(in io.Reader) io.Reader {
	if p.bar == nil {
		return in
	}
	return io.TeeReader(in, p.bar)
}

// rows says how many are done. It may be called as often as one likes.
func (p *progress) rows(done int) {
	if p.bar == nil || time.Since(p.drawn) < progressInterval {
		return
	}
	p.drawn = time.Now()
	p.bar.Describe(fmt.Sprintf("%d rows, %.0f a second", done, float64(done)/time.Since(p.begun).Seconds()))
}

// print prints a line where the bar is.
func (p *progress) print(line any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.out, line)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
