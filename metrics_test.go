package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/graph"
	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// scrape reads the server's metrics.
func (s *server) scrape() map[string]*dto.MetricFamily {
	s.t.Helper()
	status, text := s.get("/metrics")
	require.Equal(s.t, 200, status)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(s.t, err)
	return families
}

// measure answers one series, of which a histogram's value is its count. Labels
// are given as name, value, name, value.
func (s *server) measure(name string, labels ...string) float64 {
	s.t.Helper()
	for _, series := range s.scrape()["holdfast_"+name].GetMetric() {
		has := map[string]string{}
		for _, pair := range series.GetLabel() {
			has[pair.GetName()] = pair.GetValue()
		}
		matches := true
		for i := 0; i < len(labels); i += 2 {
			matches = matches && has[labels[i]] == labels[i+1]
		}
		if matches {
			return series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
		}
	}
	require.FailNow(s.t, "there is no such series", "%s %v", name, labels)
	return 0
}

// awaitMeasure waits for what is told after the answer.
func (s *server) awaitMeasure(wanted float64, name string, labels ...string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.measure(name, labels...) == wanted }, patience, 10*time.Millisecond, name)
}

func TestScrapeTellsWhatBecameOfCommands(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("A", 5)
	s.mutate("createHold", holdOf("first", "A", 4))
	s.mutate("createHold", holdOf("first", "A", 4))
	require.Equal(t, "INSUFFICIENT_STOCK", s.mutate("createHold", holdOf("second", "A", 4)).codes())

	for outcome, wanted := range map[string]float64{"done": 1, "replayed": 1, "INSUFFICIENT_STOCK": 1, "error": 0} {
		require.InDelta(t, wanted, s.measure("commands_total", "command", "createHold", "outcome", outcome), 0, outcome)
	}
	require.InDelta(t, 1, s.measure("commands_total", "command", "createSku", "outcome", "done"), 0)
	require.InDelta(t, 2, s.measure("commit_seconds", "strategy", "PESSIMISTIC"), 0)
	require.InDelta(t, 4, s.measure("load_seconds", "strategy", "PESSIMISTIC"), 0)
	s.awaitMeasure(4, "group_commands", "strategy", "PESSIMISTIC")
	s.awaitMeasure(4, "queue_wait_seconds")
	require.Zero(t, s.measure("queue_commands"))
	require.Positive(t, s.measure("pool_open_connections"))
	require.InDelta(t, 1, s.measure("build_info"), 0)
}

func TestScrapeTellsOfSharedReads(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("A", 5)
	before := s.measure("stock_group_queries")
	require.Empty(t, s.query(`{availability(skus: ["A"]) {available}}`, nil).Errors)
	require.InDelta(t, before+1, s.measure("stock_group_queries"), 0)
	require.InDelta(t, before+1, s.measure("stock_read_seconds"), 0)
	require.Zero(t, s.measure("stock_queue_queries"))
}

func TestScrapeTellsAnOptimisticConflict(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := startServer(t, "DATABASE_URL="+url)
	s.createSKU("A", 5)
	db, err := database.Open(url, 2)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })

	// The first to wait for the lock changes what the second has read.
	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("SELECT 1 FROM stock_levels WHERE sku = 'A' FOR UPDATE")
	require.NoError(t, err)
	answered := make(chan string, 2)
	for waiting, strategy := range []string{"PESSIMISTIC", "OPTIMISTIC"} {
		input := holdOf(strategy, "A", 1)
		input["strategy"] = strategy
		go func() { answered <- s.mutate("createHold", input).codes() }()
		awaitLockWaits(t, db, waiting+1)
	}
	require.NoError(t, tx.Rollback())
	require.Empty(t, <-answered)
	require.Empty(t, <-answered)
	require.InDelta(t, 1, s.measure("optimistic_conflicts_total"), 0)
	require.InDelta(t, 1, s.measure("retries_total", "reason", "moved"), 0)
	require.InDelta(t, 2, s.measure("commands_total", "command", "createHold", "outcome", "done"), 0)
}

// awaitLockWaits returns once so many sessions wait for locks.
func awaitLockWaits(t *testing.T, db *bun.DB, wanted int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var waiting int
		err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting == wanted
	}, patience, 2*time.Millisecond)
}

func TestScrapeTellsAnExpiry(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	s.createSKU("A", 5)
	input := holdOf("short", "A", 1)
	input["ttlSeconds"] = 1
	require.Empty(t, s.mutate("createHold", input).codes())
	s.awaitMeasure(1, "expired_holds_total")
	s.awaitMeasure(1, "expiry_lateness_seconds")
}

func TestTwoServersInOneProcessAreMeasuredApart(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	one, other := startServer(t, "DATABASE_URL="+url), startServer(t, "DATABASE_URL="+url)
	one.createSKU("A", 5)
	require.InDelta(t, 1, one.measure("commands_total", "command", "createSku", "outcome", "done"), 0)
	require.Zero(t, other.measure("commands_total", "command", "createSku", "outcome", "done"))
}

func TestScrapeIsAsPrometheusWantsIt(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	_, text := s.get("/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// A field that the metrics don't know of would end the process with its first
// event.
func TestScrapeHasEachSubscriptionOfTheSchema(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for _, field := range schema.Subscription.Fields {
		for _, name := range []string{"subscribers", "events_total", "events_coalesced_total"} {
			require.Zero(t, s.measure(name, "field", field.Name))
		}
	}
}

var metricName = regexp.MustCompile("`([a-z_]+)(?:\\{[a-z,]+\\})?`")

func TestOperationsPageNamesEachMetric(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.URL(t))
	text, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| name, after `holdfast_` |")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 1 {
			for _, match := range metricName.FindAllStringSubmatch(cells[1], -1) {
				named = append(named, match[1])
			}
		}
	}
	var measured []string
	for name := range s.scrape() {
		if name, isOurs := strings.CutPrefix(name, "holdfast_"); isOurs {
			measured = append(measured, name)
		}
	}
	require.ElementsMatch(t, measured, named)
}
