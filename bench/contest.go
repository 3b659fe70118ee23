package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// contender is one of those that are compared: a way to do some work, and what
// does it.
type contender struct {
	name    string
	measure func(ctx context.Context) (measured, error)
}

// driven is the servers as a contender, who are driven at the sizes of the
// workload where it isn't said otherwise.
func (w *world) driven(d drive) contender {
	if d.servers == nil {
		d.servers = w.servers
	}
	d.duration = cmp.Or(d.duration, w.sizes.duration)
	d.connections = cmp.Or(d.connections, w.sizes.connections)
	d.rate = cmp.Or(d.rate, w.sizes.rate)
	return contender{d.name, func(ctx context.Context) (measured, error) { return w.drive(ctx, d) }}
}

// row is what a contender did, over all rounds.
type row struct {
	Name string `json:"name"`
	// PerSecond is the rounds' median.
	PerSecond float64          `json:"perSecond"`
	Rounds    []round          `json:"rounds"`
	P50       float64          `json:"p50"`
	P95       float64          `json:"p95"`
	P99       float64          `json:"p99"`
	Outcomes  map[string]int64 `json:"outcomes,omitempty"`
	// Shares of one processor, in percent; null where they aren't known.
	Servers *float64 `json:"serverShare"`
	Client  *float64 `json:"clientShare"`
	All     *float64 `json:"machineShare"`

	latencies histogram
	spent     spent
}

type round struct {
	PerSecond float64 `json:"perSecond"`
	P50       float64 `json:"p50"`
}

// contest measures the contenders in turn, so that what a machine does beside,
// and how its disk feels, comes to all of them alike; as many rounds as asked for.
func (w *world) contest(ctx context.Context, contenders []contender) ([]*row, error) {
	rows := make([]*row, len(contenders))
	for i, c := range contenders {
		rows[i] = newRow(c.name)
	}
	for n := range w.sizes.rounds {
		for i := range contenders {
			// Each round another one begins: what one leaves behind for the next, such
			// as a vacuum or a checkpoint, mustn't always meet the same.
			turn := (n + i) % len(contenders)
			m, err := contenders[turn].measure(ctx)
			if err != nil {
				return nil, err
			}
			rows[turn].add(m)
		}
	}
	for _, r := range rows {
		w.tellRow(r)
	}
	return rows, nil
}

func newRow(name string) *row { return &row{Name: name, Outcomes: make(map[string]int64)} }

// tellRow puts a row that has all its rounds into the result.
func (w *world) tellRow(r *row) {
	r.sum()
	w.result.Rows = append(w.result.Rows, r)
	w.result.count(r.Outcomes)
}

func (r *row) add(m measured) {
	r.Rounds = append(r.Rounds, round{m.perSecond(), milliseconds(m.latencies.quantile(0.5))})
	r.latencies.add(m.latencies)
	for outcome, count := range m.outcomes {
		r.Outcomes[outcome] += count
	}
	r.spent = r.spent.plus(m.spent)
}

func (r *row) sum() {
	r.PerSecond = median(r.Rounds, round.perSecond)
	r.P50 = milliseconds(r.latencies.quantile(0.50))
	r.P95 = milliseconds(r.latencies.quantile(0.95))
	r.P99 = milliseconds(r.latencies.quantile(0.99))
	if r.spent.known {
		if r.spent.servers > 0 {
			r.Servers = new(100 * r.spent.servers.Seconds() / r.spent.wall.Seconds())
		}
		r.Client = new(100 * r.spent.client.Seconds() / r.spent.wall.Seconds())
		r.All = new(100 * r.spent.machine.Seconds() / r.spent.wall.Seconds())
	}
}

func (r round) perSecond() float64 { return r.PerSecond }

func (r round) p50() float64 { return r.P50 }

// ratio is one contender's figure against another's of the same round. Of rounds
// in which one of them did nothing there is none; idle are those in which it was
// the one, and not both.
type ratio struct {
	rounds, idle      int
	median, low, high float64
}

func ratioOf(one, other *row, of func(round) float64) ratio {
	var ratios []float64
	idle := 0
	for i := range one.Rounds {
		switch above, below := of(one.Rounds[i]), of(other.Rounds[i]); {
		case above > 0 && below > 0:
			ratios = append(ratios, above/below)
		case below > 0:
			idle++
		}
	}
	if len(ratios) == 0 {
		return ratio{idle: idle}
	}
	return ratio{len(ratios), idle, median(ratios, func(r float64) float64 { return r }), slices.Min(ratios), slices.Max(ratios)}
}

func (r ratio) inPercent() ratio {
	return ratio{r.rounds, r.idle, 100 * r.median, 100 * r.low, 100 * r.high}
}

// median returns the middle value, or what is half way between the two.
func median[T any](all []T, value func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = value(one)
	}
	slices.SortFunc(values, cmp.Compare[float64])
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// extremes are the slowest and the fastest round.
func (r *row) extremes() (low, high float64) {
	slowest := func(a, b round) int { return cmp.Compare(a.PerSecond, b.PerSecond) }
	return slices.MinFunc(r.Rounds, slowest).PerSecond, slices.MaxFunc(r.Rounds, slowest).PerSecond
}

// baselineRun is hand-written SQL as a contender.
type baselineRun struct {
	script  string
	clients int
}

// againstBaselines has the servers compete with hand-written SQL over so many
// SKUs. There are no rows of baselines without pgbench, and at a given
// rate, for which they aren't asked.
func (w *world) againstBaselines(ctx context.Context, skus int, servers []contender, runs ...baselineRun) (rows, bases []*row, err error) {
	contenders := slices.Clone(servers)
	var b *baseline
	if w.sizes.rate == 0 {
		if b, err = w.openBaseline(ctx, skus); err != nil {
			return nil, nil, err
		}
	}
	if b != nil {
		defer func() { err = errors.Join(err, b.close(ctx)) }()
		for _, run := range runs {
			contenders = append(contenders, b.contender(run))
		}
	}
	if rows, err = w.contest(ctx, contenders); err != nil {
		return nil, nil, err
	}
	return rows[:len(servers)], rows[len(servers):], nil
}

// memoryMax is what a server may take at its peak, in MB.
const memoryMax = 200

// reportMemory tells the most that any of the servers ever took.
func (w *world) reportMemory() {
	var peak int64
	for _, s := range w.servers {
		u, err := s.usage()
		if err != nil {
			w.result.note("%v", err)
			return
		}
		peak = max(peak, u.residentPeak)
	}
	w.result.figureAtMost("server: memory at its peak", megabytes(peak), "MB", memoryMax)
}
