package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPictureIsWellFormedAndHasAllCurves(t *testing.T) {
	t.Parallel()
	picture := string(plot([]curve{
		{name: "fast & <free>", points: []point{{connections: 1, perSecond: 300}, {connections: 1024, perSecond: 12345}}},
		{name: "close to it", points: []point{{connections: 1, perSecond: 310}, {connections: 1024, perSecond: 12300}}},
		{name: "nothing"},
	}, "Holds", "of a day"))
	decoder := xml.NewDecoder(strings.NewReader(picture))
	points := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if start, isStart := token.(xml.StartElement); isStart && start.Name.Local == "circle" {
			points++
		}
	}
	assert.Equal(t, 4, points)
	assert.Contains(t, picture, "fast &amp; &lt;free&gt;")
	assert.Contains(t, picture, ">15,000<")
	assert.NotContains(t, picture, "NaN")
}

func TestNamesOfCurvesThatEndTogetherStandApart(t *testing.T) {
	t.Parallel()
	ends := func(perSecond float64) curve { return curve{points: []point{{perSecond: perSecond}}} }
	heights := nameHeights([]curve{ends(100), ends(105), ends(0)}, func(perSecond float64) float64 { return 200 - perSecond })
	assert.Equal(t, []float64{119, 99, 204}, heights)
}

func TestStepsOfAScaleAreRound(t *testing.T) {
	t.Parallel()
	for most, step := range map[float64]float64{0: 1, 7: 2, 9: 2, 11_000: 5000, 24_000: 5000, 480: 100} {
		assert.InDelta(t, step, niceStep(most), 1e-9, most)
	}
	assert.Equal(t, []string{"0", "999", "1,000", "1,234,567"}, []string{thousands(0), thousands(999), thousands(1000), thousands(1234567)})
}

func TestStepsOfConnectionsAreFourfold(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []int{1, 4, 16, 64, 256, 1024}, fourfold(1024))
	assert.Equal(t, []int{1, 4, 16}, fourfold(63))
}
