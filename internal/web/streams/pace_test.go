package streams

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAFewAtOnceDoNotWaitAndManyAreSpacedOut(t *testing.T) {
	t.Parallel()
	p, now := newPace(100, 3), time.Now()
	interval := time.Second / time.Duration(100*runtime.GOMAXPROCS(0))
	for i := range 10 {
		wait, taken := p.take(now, time.Minute)
		assert.True(t, taken)
		assert.Equal(t, max(0, time.Duration(i-3)*interval), wait)
	}
	wait, _ := p.take(now.Add(time.Second), time.Minute)
	assert.Zero(t, wait, "after a rest")
}

func TestATurnThatIsTooFarAwayIsLeftToOthers(t *testing.T) {
	t.Parallel()
	p, now := newPace(1, 0), time.Now()
	_, taken := p.take(now, 0)
	assert.True(t, taken)
	for range 3 {
		_, taken = p.take(now, time.Millisecond)
		assert.False(t, taken)
	}
	wait, taken := p.take(now, time.Second)
	assert.True(t, taken)
	assert.Equal(t, time.Second/time.Duration(runtime.GOMAXPROCS(0)), wait)
}
