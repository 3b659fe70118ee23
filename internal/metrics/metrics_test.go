package metrics_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
	"holdfast/internal/metrics"
	"holdfast/repo"
)

var _ repo.Observer = (*metrics.WritePath)(nil)

// told returns metrics that were told of one of each.
func told() *metrics.Metrics {
	m := metrics.New(metrics.Build{Version: "v1", Revision: "abc", GoVersion: "go1"})
	m.WatchPool(func() sql.DBStats {
		return sql.DBStats{MaxOpenConnections: 24, OpenConnections: 5, InUse: 2, Idle: 3, WaitCount: 7, WaitDuration: 1500 * time.Millisecond}
	})
	m.WatchQueues(func() int { return 4 }, func() int { return 5 })
	m.Reads.Stock(7, 8*time.Millisecond)
	w := m.WritePath
	w.Command(inventory.CreateHold{}, "done")
	w.Command(inventory.CreateHold{}, "INSUFFICIENT_STOCK")
	w.Command(inventory.CreateHold{}, "a result that nobody knows")
	w.Group(inventory.Optimistic, groupcommit.Group{Size: 3, Waited: 2 * time.Millisecond})
	w.Group(inventory.Optimistic, groupcommit.Group{Size: 1, Alone: true, Waited: time.Minute})
	w.Loaded(inventory.Optimistic, 3*time.Millisecond)
	w.Committed(inventory.Pessimistic, 4*time.Millisecond)
	w.Conflict(2)
	w.Retry("collision")
	w.SetAside()
	w.Expired(6)
	w.Late(40 * time.Millisecond)
	m.Streams.Subscribed("availabilityChanged")
	m.Streams.Subscribed("availabilityChanged")
	m.Streams.Unsubscribed("availabilityChanged")
	m.Streams.Sent("stockChanges")
	m.Streams.Coalesced("reservationChanged")
	m.Feed.Looked(20*time.Millisecond, 2, 10*time.Millisecond)
	m.Feed.Looked(20*time.Millisecond, 0, 0)
	m.Streams.Connected("sse")
	m.Streams.Connected("websocket")
	m.Streams.Disconnected("websocket")
	m.Streams.Refused("full")
	m.Streams.Cut("unresponsive")
	return m
}

// scrape returns what a scrape is answered.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, 200, answer.Code)
	return answer.Body.String()
}

func TestScrapeHasWhatWasTold(t *testing.T) {
	t.Parallel()
	scraped := scrape(t, told())
	for _, line := range []string{
		`holdfast_build_info{goversion="go1",revision="abc",version="v1"} 1`,
		`holdfast_commands_total{command="createHold",outcome="done"} 1`,
		`holdfast_commands_total{command="createHold",outcome="INSUFFICIENT_STOCK"} 1`,
		`holdfast_commands_total{command="createHold",outcome="error"} 1`,
		`holdfast_commands_total{command="releaseHold",outcome="done"} 0`,
		`holdfast_group_commands_sum{strategy="OPTIMISTIC"} 3`,
		`holdfast_queue_wait_seconds_sum 0.002`,
		`holdfast_load_seconds_sum{strategy="OPTIMISTIC"} 0.003`,
		`holdfast_commit_seconds_sum{strategy="PESSIMISTIC"} 0.004`,
		`holdfast_optimistic_conflicts_total 2`,
		`holdfast_retries_total{reason="collision"} 1`,
		`holdfast_retries_total{reason="moved"} 0`,
		`holdfast_set_aside_total 1`,
		`holdfast_queue_commands 4`,
		`holdfast_stock_queue_queries 5`,
		`holdfast_stock_group_queries_sum 7`,
		`holdfast_stock_read_seconds_sum 0.008`,
		`holdfast_expired_holds_total 6`,
		`holdfast_expiry_lateness_seconds_bucket{le="0.05"} 1`,
		`holdfast_expiry_lateness_seconds_bucket{le="0.03"} 0`,
		`holdfast_pool_connections_max 24`,
		`holdfast_pool_open_connections 5`,
		`holdfast_pool_in_use_connections 2`,
		`holdfast_pool_idle_connections 3`,
		`holdfast_pool_waits_total 7`,
		`holdfast_pool_wait_seconds_total 1.5`,
		`holdfast_subscribers{field="availabilityChanged"} 1`,
		`holdfast_events_total{field="stockChanges"} 1`,
		`holdfast_events_coalesced_total{field="reservationChanged"} 1`,
		`holdfast_feed_lag_seconds_count 1`,
		`holdfast_feed_doorbell_lag_seconds_sum 0.04`,
		`holdfast_stream_connections{transport="sse"} 1`,
		`holdfast_stream_connections{transport="websocket"} 0`,
		`holdfast_streams_refused_total{reason="full"} 1`,
		`holdfast_streams_refused_total{reason="draining"} 0`,
		`holdfast_streams_cut_total{reason="unresponsive"} 1`,
	} {
		require.Contains(t, scraped, "\n"+line+"\n")
	}
	require.Contains(t, scraped, "\ngo_goroutines ")
}

func TestNamesAndHelpAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(scrape(t, told()))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestEachServerCountsForItself(t *testing.T) {
	t.Parallel()
	told()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scrape(t, metrics.New(metrics.Build{}))))
	require.NoError(t, err)
	for _, series := range families["holdfast_commands_total"].GetMetric() {
		require.Zero(t, series.GetCounter().GetValue())
	}
}

func TestCommandsBearTheNamesOfTheSchema(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]inventory.Command{
		"createHold": inventory.CreateHold{}, "createAllocation": inventory.CreateAllocation{},
		"convertHold": inventory.ConvertHold{}, "releaseHold": inventory.ReleaseHold{}, "extendHold": inventory.ExtendHold{},
		"fulfillAllocation": inventory.FulfillAllocation{}, "cancelAllocation": inventory.CancelAllocation{},
		"adjustStock": inventory.AdjustStock{}, "setStock": inventory.SetStock{}, "createSku": inventory.CreateSKU{},
		"importSku": inventory.ImportSKU{}, "repairLevel": inventory.RepairLevel{}, "expireHold": inventory.ExpireHold{},
	} {
		m := metrics.New(metrics.Build{})
		m.WritePath.Command(command, "replayed")
		require.Contains(t, scrape(t, m), `holdfast_commands_total{command="`+name+`",outcome="replayed"} 1`)
	}
}

func BenchmarkCommand(b *testing.B) {
	w := metrics.New(metrics.Build{}).WritePath
	var command inventory.Command = inventory.CreateHold{}
	b.ReportAllocs()
	for b.Loop() {
		w.Command(command, "INSUFFICIENT_STOCK")
	}
}

func BenchmarkGroup(b *testing.B) {
	w := metrics.New(metrics.Build{}).WritePath
	b.ReportAllocs()
	for b.Loop() {
		w.Group(inventory.Pessimistic, groupcommit.Group{Size: 60, Waited: time.Millisecond})
		w.Loaded(inventory.Pessimistic, time.Millisecond)
		w.Committed(inventory.Pessimistic, time.Millisecond)
	}
}
