package metrics

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchQueues has each scrape ask how many commands wait, and how many queries of
// stock.
func (m *Metrics) WatchQueues(commands, stock func() int) {
	watch := func(name, help string, queued func() int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help},
			func() float64 { return float64(queued()) }))
	}
	watch("queue_commands", "Commands that wait for their group, or to run alone. A full queue answers OVERLOADED.", commands)
	watch("stock_queue_queries", "Queries of stock that wait for their statement. A full queue answers OVERLOADED.", stock)
}

// WatchPool has each scrape ask for the state of the connection pool.
func (m *Metrics) WatchPool(stats func() sql.DBStats) {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "pool", name), help, nil, nil)
	}
	m.registry.MustRegister(pool{
		stats:       stats,
		limit:       describe("connections_max", "The most connections that the pool may have to the database."),
		open:        describe("open_connections", "Connections to the database, in use or idle."),
		inUse:       describe("in_use_connections", "Connections that a command, a query or a sweep is using."),
		idle:        describe("idle_connections", "Connections that nobody is using."),
		waits:       describe("waits_total", "How often somebody had to wait for a connection, because all were in use."),
		waitSeconds: describe("wait_seconds_total", "How long all those waited for a connection, taken together."),
	})
}

// pool tells of one moment: all of it is from one look.
type pool struct {
	stats                                        func() sql.DBStats
	limit, open, inUse, idle, waits, waitSeconds *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (p pool) Describe(described chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.limit, p.open, p.inUse, p.idle, p.waits, p.waitSeconds} {
		described <- d
	}
}

// Collect implements prometheus.Collector.
func (p pool) Collect(collected chan<- prometheus.Metric) {
	now := p.stats()
	gauge := func(d *prometheus.Desc, value int) {
		collected <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value))
	}
	gauge(p.limit, now.MaxOpenConnections)
	gauge(p.open, now.OpenConnections)
	gauge(p.inUse, now.InUse)
	gauge(p.idle, now.Idle)
	collected <- prometheus.MustNewConstMetric(p.waits, prometheus.CounterValue, float64(now.WaitCount))
	collected <- prometheus.MustNewConstMetric(p.waitSeconds, prometheus.CounterValue, now.WaitDuration.Seconds())
}
