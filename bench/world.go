package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/uptrace/bun"

	"holdfast/internal/database"
)

// world is what one workload runs in.
type world struct {
	machine  *machine
	settings settings
	workload workload
	sizes    sizes
	name     string // of the workload
	servers  []*server
	db       *bun.DB // nil where the database isn't known
	run      string
	show     *progress
	result   *result

	databaseURL string // empty where it isn't known
	// twin is a second world that the workload made; nil: it made none.
	twin *world
	// disown removes a database that was made beside one that was given.
	disown       func() error
	tokens       atomic.Int64 // as many client tokens were used
	acknowledged acknowledged
}

// sqlConnectionsMax is for the cutter, the late writers and a query beside them.
const sqlConnectionsMax = 8

func (m *machine) newWorld(ctx context.Context, wl workload) (_ *world, err error) {
	databaseURL, err := m.newDatabase(ctx, wl.name)
	if err != nil {
		return nil, err
	}
	return m.newWorldIn(ctx, wl, databaseURL)
}

// newWorldIn returns a world in a database that is there.
func (m *machine) newWorldIn(ctx context.Context, wl workload, databaseURL string) (_ *world, err error) {
	m.show.begin(wl.name+": start", 0, nil)
	w := &world{machine: m, workload: wl, databaseURL: databaseURL, settings: m.settings, sizes: m.settings.sizes.over(wl.sizes), name: wl.name, run: newRunName(), show: m.show}
	w.result = &result{Workload: wl.name, Sizes: w.sizes.String()}
	if wl.needs.webSocket && m.settings.transport != webSocketTransport {
		return nil, errors.New("this workload is for -transport ws alone")
	}
	if wl.needs.sql && len(m.settings.urls) > 0 && m.settings.database == "" {
		return nil, errors.New("this workload needs SQL: say where the servers' database is, with -database")
	}
	if wl.needs.servers && len(m.settings.urls) == 1 {
		return nil, errors.New("this workload needs two servers: say where the other is, with -url2")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(true))
		}
	}()
	if databaseURL != "" {
		if w.db, err = database.Open(databaseURL, sqlConnectionsMax); err != nil {
			return nil, fmt.Errorf("-database: %w", err)
		}
	}
	for _, url := range m.settings.urls[:min(wl.servers, len(m.settings.urls))] {
		w.servers = append(w.servers, &server{url: strings.TrimRight(url, "/")})
	}
	for len(m.settings.urls) == 0 && len(w.servers) < wl.servers {
		started, err := startServer(ctx, m.program, m.dir, databaseURL)
		if err != nil {
			return nil, err
		}
		w.servers = append(w.servers, started)
	}
	return w, w.fill(ctx, m.settings.existing)
}

// close ends what newWorld started. After a failure the servers' last words
// come with it.
func (w *world) close(failed bool) (err error) {
	w.show.end()
	if w.twin != nil {
		err = w.twin.close(failed)
	}
	stopped := make([]error, len(w.servers))
	var stopping sync.WaitGroup
	for i, s := range w.servers {
		stopping.Go(func() { stopped[i] = s.stop() })
	}
	stopping.Wait()
	err = errors.Join(err, errors.Join(stopped...))
	for i, s := range w.servers {
		if failed && s.log != nil && s.log.String() != "" {
			err = errors.Join(err, fmt.Errorf("server %d said last:\n%s", i+1, s.log))
		}
	}
	if w.db != nil {
		err = errors.Join(err, w.db.Close())
	}
	if w.disown != nil {
		err = errors.Join(err, w.disown())
	}
	return err
}

// step shows what the workload is at.
func (w *world) step(what string) { w.show.begin(w.name+": "+what, 0, nil) }

// newRunName tells the SKUs and tokens of one run from those of all others.
func newRunName() string { return strings.ToLower(rand.Text()[:8]) }

// skuDigits is how many digits there are at the end of a SKU, and what SKUs are
// known by here is their number.
const skuDigits = 5

func (w *world) sku(number int) string { return fmt.Sprintf("bench-%s-%0*d", w.run, skuDigits, number) }

// skuPattern is for LIKE.
func (w *world) skuPattern() string { return "bench-" + w.run + "-%" }

// skuIn returns the number of the SKU that an event is about.
func skuIn(event []byte) (int, bool) {
	sku, _ := stringAfter(event, "sku")
	return skuNumber(sku)
}

func skuNumber(sku []byte) (int, bool) {
	if len(sku) < skuDigits {
		return 0, false
	}
	number, err := strconv.Atoi(string(sku[len(sku)-skuDigits:]))
	return number, err == nil
}

func (w *world) skus(numbers []int) []string {
	skus := make([]string, len(numbers))
	for i, number := range numbers {
		skus[i] = w.sku(number)
	}
	return skus
}

// window is the SKUs that the i-th subscriber follows: each next one the next
// so many, in a circle, so that all SKUs have followers alike.
func window(i, follow, skus int) []int {
	numbers := make([]int, follow)
	for j := range numbers {
		numbers[j] = (i*follow + j) % skus
	}
	return numbers
}

// preparers is how many connections make what a workload needs before it.
const preparers = 32

const createSKU = `mutation($input:CreateSkuInput!){createSku(input:$input){userErrors{code}}}`

// createSKUs adds SKUs with plenty of stock, which no workload runs out of,
// numbered from the first.
func (w *world) createSKUs(ctx context.Context, first, count int) error {
	w.step(fmt.Sprintf("create %d SKUs", count))
	callers, err := w.callers(ctx, preparers, w.servers[:1])
	if err != nil {
		return err
	}
	defer callers.close()
	create, err := prepare(createSKU)
	if err != nil {
		return err
	}
	return closed(ctx, preparers, below(count), func(_ context.Context, worker, i int) error {
		answer, err := callers[worker].post(create.with(nil, `{"sku":%q,"name":"benchmark","initialStock":1000000000}`, w.sku(first+i)))
		if err != nil {
			return err
		}
		if outcome := outcomeOf(answer); outcome != done {
			return fmt.Errorf("createSku was answered %s", answer)
		}
		return nil
	})
}

type callers []*caller

// callers returns so many, spread over servers.
func (w *world) callers(ctx context.Context, count int, servers []*server) (callers, error) {
	all := make(callers, count)
	for i := range all {
		var err error
		if all[i], err = newCaller(ctx, servers[i%len(servers)].url); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c callers) close() {
	for _, one := range c {
		one.close()
	}
}

// consistency is what the check found.
type consistency struct {
	IsConsistent bool             `json:"isConsistent"`
	TotalSKUs    int              `json:"totalSkus"`
	DurationMs   int              `json:"durationMs"`
	Issues       []map[string]any `json:"issues"`
}

// check compares what was acknowledged with what the database has, and has the
// server check that it is consistent; in the twin as well.
func (w *world) check(ctx context.Context) error {
	w.step("consistency check")
	if err := errors.Join(w.checkCounts(ctx), w.checkConsistency(ctx)); err != nil || w.twin == nil {
		return err
	}
	if err := w.twin.check(ctx); err != nil {
		return err
	}
	w.result.Counts = append(w.result.Counts, w.twin.result.Counts...)
	own, other := &w.result.Consistency, w.twin.result.Consistency
	own.IsConsistent = own.IsConsistent && other.IsConsistent
	own.TotalSKUs += other.TotalSKUs
	own.DurationMs += other.DurationMs
	own.Issues = append(own.Issues, other.Issues...)
	return nil
}

func (w *world) checkConsistency(ctx context.Context) error {
	c, err := newCaller(ctx, w.servers[0].url)
	if err != nil {
		return err
	}
	defer c.close()
	return c.ask(`{consistency{isConsistent totalSkus durationMs issues{invariant sku detail}}}`, nil, "consistency", &w.result.Consistency)
}
