package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// steady is a contender that always measures the same rates, one for each round.
func steady(name string, turns *[]string, rates ...int64) contender {
	next := 0
	return contender{name, func(context.Context) (measured, error) {
		*turns = append(*turns, name)
		m := measured{wanted: rates[next], seconds: 1, latencies: new(histogram), outcomes: map[string]int64{done: rates[next]}}
		m.latencies.record(time.Duration(next+1) * time.Millisecond)
		next++
		return m, nil
	}}
}

func TestContendersTakeTurnsAndAreComparedRoundByRound(t *testing.T) {
	t.Parallel()
	w := &world{sizes: sizes{rounds: 3}, result: new(result)}
	var turns []string
	rows, err := w.contest(t.Context(), []contender{steady("ours", &turns, 100, 900, 300), steady("theirs", &turns, 10, 30, 60)})
	require.NoError(t, err)
	assert.Equal(t, []string{"ours", "theirs", "theirs", "ours", "ours", "theirs"}, turns)
	assert.InDelta(t, 300, rows[0].PerSecond, 0)
	assert.Equal(t, ratio{3, 0, 10, 5, 30}, ratioOf(rows[0], rows[1], round.perSecond))
	assert.Equal(t, int64(1400), w.result.Outcomes[done])
	assert.Equal(t, ratio{3, 0, 100, 100, 100}, ratioOf(rows[0], rows[1], round.p50).inPercent())

	w.result.ratioAtLeast("ours against theirs", ratioOf(rows[0], rows[1], round.perSecond), "times", 10)
	var out bytes.Buffer
	w.result.print(&out)
	assert.Regexp(t, `ours +300 +100 +900 +2\.0 +3\.0 +3\.0`, out.String())
	assert.Regexp(t, `ours against theirs +10 +\(5–30\) +times +≥ 10 reached`, out.String())
}

func TestARoundInWhichNothingWasDoneHasNoRatio(t *testing.T) {
	t.Parallel()
	w := &world{sizes: sizes{rounds: 2}, result: new(result)}
	var turns []string
	rows, err := w.contest(t.Context(), []contender{steady("ours", &turns, 100, 200), steady("theirs", &turns, 0, 10)})
	require.NoError(t, err)
	assert.Equal(t, ratio{1, 0, 20, 20, 20}, ratioOf(rows[0], rows[1], round.perSecond))
	w.result.ratioAtMost("nothing against nothing", ratio{}, "times", 10)
	assert.Empty(t, w.result.Figures, "nothing is within no bound")
	assert.Len(t, w.result.Notes, 1)
}

func TestATargetIsMissedWhereAContenderStoodStillForARound(t *testing.T) {
	t.Parallel()
	w := &world{sizes: sizes{rounds: 2}, result: new(result)}
	var turns []string
	rows, err := w.contest(t.Context(), []contender{steady("ours", &turns, 0, 200), steady("theirs", &turns, 10, 10)})
	require.NoError(t, err)
	of := ratioOf(rows[0], rows[1], round.perSecond)
	assert.Equal(t, ratio{1, 1, 20, 20, 20}, of)
	w.result.ratioAtLeast("ours against theirs", of, "times", 10)
	assert.False(t, w.result.Figures[0].Target.Reached)
	assert.Len(t, w.result.Notes, 1)
}

func TestARefusalHasNoLatencyWithinTheTarget(t *testing.T) {
	t.Parallel()
	m := measured{wanted: 3, latencies: new(histogram), outcomes: map[string]int64{done: 3, "OVERLOADED": 2}}
	m.latencies.record(time.Millisecond)
	var r result
	r.latencyAtMost("paced", m.latencies, m.refused(), time.Second)
	assert.Equal(t, int64(2), r.Latencies[0].Missing)
	assert.False(t, r.Latencies[0].Target.Reached)
}

func TestAMedianOfEvenlyManyIsHalfWay(t *testing.T) {
	t.Parallel()
	same := func(value float64) float64 { return value }
	assert.InDelta(t, 2.5, median([]float64{9, 1, 2, 3}, same), 0)
	assert.InDelta(t, 2, median([]float64{9, 1, 2}, same), 0)
}
