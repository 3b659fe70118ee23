package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
)

// curve is the throughput of one contender against connections.
type curve struct {
	name   string
	points []point
}

type point struct {
	connections int
	row         int // of the contest
	perSecond   float64
	low, high   float64
}

// The picture's sizes, in pixels. The names of curves stand to their right.
const (
	plotWidth, plotHeight = 780, 450

	plotLeft, plotRight = 70, 640
	plotTop, plotBottom = 80, 380

	// plotNameHeight keeps names apart whose curves end close to each other.
	plotNameHeight = 20
)

// plotColours can be told apart by those who don't see red and green, and stand
// out from a dark page as from a light one.
var plotColours = []string{"#0072b2", "#d55e00", "#7f7f7f"}

// plot draws curves as an SVG. A chart library would bring fonts and a canvas for
// what is a few lines and words here.
func plot(curves []curve, title, subtitle string) []byte {
	var out bytes.Buffer
	most, widest := 0.0, 1
	for _, c := range curves {
		for _, p := range c.points {
			most, widest = max(most, p.perSecond, p.high), max(widest, p.connections)
		}
	}
	step := niceStep(most)
	top := step * max(1, math.Ceil(most/step))
	x := func(connections int) float64 {
		return plotLeft + (plotRight-plotLeft)*math.Log2(float64(connections))/max(1, math.Log2(float64(widest)))
	}
	y := func(perSecond float64) float64 { return plotBottom - (plotBottom-plotTop)*perSecond/top }

	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>%s</title>
<style>text { fill: #24292f } .faint { fill: #57606a } line { stroke: #d0d7de } rect { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .faint { fill: #9198a1 } line { stroke: #30363d } rect { fill: #0d1117 } }</style>
<rect width="%d" height="%d" rx="8"/>
<text x="%d" y="32" font-size="18" font-weight="600">%s</text>
<text x="%d" y="54" class="faint">%s</text>
`, plotWidth, plotHeight, plotWidth, plotHeight, html.EscapeString(title), plotWidth, plotHeight, 24, html.EscapeString(title), 24, html.EscapeString(subtitle))

	for tick := 0.0; tick <= top; tick += step {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end" class="faint">%s</text>`+"\n",
			plotLeft, plotRight, y(tick), y(tick), plotLeft-10, y(tick)+4, thousands(tick))
	}
	for _, connections := range fourfold(widest) {
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" text-anchor="middle" class="faint">%d</text>`+"\n", x(connections), plotBottom+22, connections)
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle" class="faint">connections</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+44)

	names := nameHeights(curves, y)
	for i, c := range curves {
		if len(c.points) == 0 {
			continue
		}
		colour := plotColours[i%len(plotColours)]
		var line bytes.Buffer
		for _, p := range c.points {
			fmt.Fprintf(&line, "%.1f,%.1f ", x(p.connections), y(p.perSecond))
		}
		fmt.Fprintf(&out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"/>`+"\n", bytes.TrimSpace(line.Bytes()), colour)
		for _, p := range c.points {
			if p.low < p.high {
				fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" style="stroke: %s" stroke-width="5" stroke-opacity="0.35"/>`+"\n",
					x(p.connections), x(p.connections), y(p.low), y(p.high), colour)
			}
			fmt.Fprintf(&out, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%s, %d connections: %.0f a second</title></circle>`+"\n",
				x(p.connections), y(p.perSecond), colour, html.EscapeString(c.name), p.connections, p.perSecond)
		}
		last := c.points[len(c.points)-1]
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" style="fill: %s" font-weight="600">%s</text>`+"\n", x(last.connections)+12, names[i], colour, html.EscapeString(c.name))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// nameHeights are where the curves' names stand: at their ends, but apart.
func nameHeights(curves []curve, y func(float64) float64) []float64 {
	heights, order := make([]float64, len(curves)), make([]int, 0, len(curves))
	for i, c := range curves {
		if len(c.points) > 0 {
			heights[i] = y(c.points[len(c.points)-1].perSecond) + 4
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if heights[a] < heights[b] {
			return -1
		}
		return 1
	})
	for at := 1; at < len(order); at++ {
		heights[order[at]] = max(heights[order[at]], heights[order[at-1]]+plotNameHeight)
	}
	return heights
}

// ticksWanted is about how many lines a scale has.
const ticksWanted = 5

// niceStep is 1, 2 or 5 times a power of ten.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most/ticksWanted)))
	for _, step := range []float64{1, 2, 5} {
		if most <= ticksWanted*step*power {
			return step * power
		}
	}
	return 10 * power
}

// thousands writes a whole number with a comma for each three digits.
func thousands(value float64) string {
	text := fmt.Sprintf("%.0f", value)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
