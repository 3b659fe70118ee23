package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is one run: what -json prints.
type report struct {
	StartedAt time.Time   `json:"startedAt"`
	Machine   machineInfo `json:"machine"`
	Workloads []*result   `json:"workloads"`
}

// result is what a workload measured.
type result struct {
	Workload    string           `json:"workload"`
	Sizes       string           `json:"sizes"`
	Seconds     float64          `json:"seconds"`
	Outcomes    map[string]int64 `json:"outcomes"` // of calls, by code
	Rows        []*row           `json:"rows,omitempty"`
	Latencies   []latency        `json:"latencies"`
	Figures     []figure         `json:"figures"`
	Notes       []string         `json:"notes,omitempty"`
	Counts      []count          `json:"counts,omitempty"`
	Consistency consistency      `json:"consistency"`
}

// holds says whether nothing was found that must not be.
func (r *result) holds() bool {
	return r.Consistency.IsConsistent && !slices.ContainsFunc(r.Counts, func(c count) bool { return !c.Agrees })
}

// latency is a distribution, in milliseconds. Missing is how often the end that
// was waited for never came. The target is the 99th percentile's.
type latency struct {
	Name    string  `json:"name"`
	Count   int64   `json:"count"`
	Missing int64   `json:"missing"`
	P50     float64 `json:"p50"`
	P95     float64 `json:"p95"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	Target  *target `json:"target,omitempty"`
}

// figure is any other number. Of several rounds it is the median, and Low and
// High are what lay furthest from it.
type figure struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Unit   string   `json:"unit"`
	Target *target  `json:"target,omitempty"`
}

// target has one of the bounds.
type target struct {
	AtMost  *float64 `json:"atMost,omitempty"`
	AtLeast *float64 `json:"atLeast,omitempty"`
	Reached bool     `json:"reached"`
}

func atMost(bound, value float64) *target { return &target{AtMost: &bound, Reached: value <= bound} }

func atLeast(bound, value float64) *target { return &target{AtLeast: &bound, Reached: value >= bound} }

func (r *result) figure(name string, value float64, unit string) {
	r.Figures = append(r.Figures, figure{Name: name, Value: value, Unit: unit})
}

func (r *result) figureAtMost(name string, value float64, unit string, bound float64) {
	r.Figures = append(r.Figures, figure{Name: name, Value: value, Unit: unit, Target: atMost(bound, value)})
}

func (r *result) figureAtLeast(name string, value float64, unit string, bound float64) {
	r.Figures = append(r.Figures, figure{Name: name, Value: value, Unit: unit, Target: atLeast(bound, value)})
}

func (r *result) ratio(name string, of ratio, unit string) { r.ratioFigure(name, of, unit, nil) }

func (r *result) ratioAtLeast(name string, of ratio, unit string, bound float64) {
	r.ratioFigure(name, of, unit, atLeast(bound, of.median))
}

func (r *result) ratioAtMost(name string, of ratio, unit string, bound float64) {
	r.ratioFigure(name, of, unit, atMost(bound, of.median))
}

func (r *result) ratioFigure(name string, of ratio, unit string, wanted *target) {
	if of.rounds == 0 {
		r.note("%s: there is no round in which both did something", name)
		return
	}
	if of.idle > 0 {
		r.note("%s: left out are rounds in which the one did nothing and the other did: %d", name, of.idle)
		if wanted != nil {
			wanted.Reached = false
		}
	}
	f := figure{Name: name, Value: of.median, Unit: unit, Target: wanted}
	if of.rounds > 1 {
		f.Low, f.High = &of.low, &of.high
	}
	r.Figures = append(r.Figures, f)
}

func (r *result) latency(name string, h *histogram, missing int64) {
	r.Latencies = append(r.Latencies, latency{
		Name: name, Count: h.count.Load(), Missing: missing,
		P50: milliseconds(h.quantile(0.50)), P95: milliseconds(h.quantile(0.95)),
		P99: milliseconds(h.quantile(0.99)), Max: milliseconds(h.longest()),
	})
}

// latencyAtMost is reached where something was measured and nothing is missing.
func (r *result) latencyAtMost(name string, h *histogram, missing int64, bound time.Duration) {
	r.latency(name, h, missing)
	last := &r.Latencies[len(r.Latencies)-1]
	last.Target = atMost(milliseconds(bound), last.P99)
	last.Target.Reached = last.Target.Reached && last.Count > 0 && missing == 0
}

func (r *result) note(format string, arguments ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, arguments...))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// print writes the result as a reader wants it.
func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s  %s  (%.0f s)\n\n", r.Workload, r.Sizes, r.Seconds)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := r.nameWidth()
	if len(r.Rows) > 0 {
		fmt.Fprintf(table, "%-*s\t/s\tlow\thigh\tp50\tp95\tp99 ms\tservers\tclient\tall CPU %%\t\n", width, "")
		for _, one := range r.Rows {
			low, high := one.extremes()
			fmt.Fprintf(table, "%-*s\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%s\t%s\t%s\t\n", width, one.Name,
				one.PerSecond, low, high, one.P50, one.P95, one.P99, percent(one.Servers), percent(one.Client), percent(one.All))
		}
		_ = table.Flush()
		fmt.Fprintln(out)
	}
	if len(r.Latencies) > 0 {
		fmt.Fprintf(table, "%-*s\tcount\tp50\tp95\tp99\tmax\tmissing\ttarget\t\n", width, "in ms")
		for _, l := range r.Latencies {
			said := ""
			if l.Target != nil {
				said = "p99 " + l.Target.String()
			}
			fmt.Fprintf(table, "%-*s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%s\t\n", width, l.Name, l.Count, l.P50, l.P95, l.P99, l.Max, l.Missing, said)
		}
		_ = table.Flush()
		fmt.Fprintln(out)
	}
	for _, f := range r.Figures {
		between, said := "", ""
		if f.Low != nil {
			between = fmt.Sprintf("(%.*f–%.*f)", decimals(*f.Low), *f.Low, decimals(*f.High), *f.High)
		}
		if f.Target != nil {
			said = f.Target.String()
		}
		fmt.Fprintf(table, "%-*s\t%.*f\t%s\t%s\t%s\t\n", width, f.Name, decimals(f.Value), f.Value, between, f.Unit, said)
	}
	_ = table.Flush()
	fmt.Fprintln(out)
	for _, one := range r.Rows {
		if len(one.Outcomes) > 0 {
			fmt.Fprintf(out, "answers, %s: %s\n", one.Name, countsByName(one.Outcomes))
		}
	}
	if len(r.Outcomes) > 0 {
		fmt.Fprintf(out, "answers: %s\n", countsByName(r.Outcomes))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(out, "note:", n)
	}
	for _, c := range r.Counts {
		fmt.Fprintln(out, c)
	}
	fmt.Fprintln(out, r.Consistency)
}

// nameWidth has the names begin at the left, where all else ends at the right.
func (r *result) nameWidth() (width int) {
	for _, l := range r.Latencies {
		width = max(width, len(l.Name))
	}
	for _, f := range r.Figures {
		width = max(width, len(f.Name))
	}
	for _, one := range r.Rows {
		width = max(width, len(one.Name))
	}
	return width
}

func (t *target) String() string {
	said := "MISSED"
	if t.Reached {
		said = "reached"
	}
	if t.AtLeast != nil {
		return fmt.Sprintf("≥ %g %s", *t.AtLeast, said)
	}
	return fmt.Sprintf("≤ %g %s", *t.AtMost, said)
}

func percent(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf("%.0f", *share)
}

// decimals has small figures shown to where they differ.
func decimals(value float64) int {
	switch {
	case value == float64(int64(value)) || value >= 100:
		return 0
	case value >= 1:
		return 1
	default:
		return 3
	}
}

func countsByName(counts map[string]int64) string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		said = append(said, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(said, ", ")
}

func (c consistency) String() string {
	if c.IsConsistent {
		return fmt.Sprintf("consistency check: clean, %d SKUs in %d ms", c.TotalSKUs, c.DurationMs)
	}
	lines := []string{"consistency check: NOT CONSISTENT"}
	for _, issue := range c.Issues {
		lines = append(lines, fmt.Sprintf("  %v %v: %v", issue["invariant"], issue["sku"], issue["detail"]))
	}
	return strings.Join(lines, "\n")
}
