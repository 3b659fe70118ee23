// Package metrics counts and times what one server does, for Prometheus.
//
// The parts of the server know nothing of it. Each declares what it has to tell,
// in plain values, as an interface in its own options; a type here implements
// that, and server.go joins the two. What a part can be asked at any time, such
// as how many wait in a queue, is asked when somebody scrapes.
//
// What is told for each command has its series looked up beforehand, so that to
// count costs some ten nanoseconds.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "holdfast"

// scrapesMax is how many scrapes are answered at once: a few Prometheus servers
// may come together, and more than that is a fault of theirs.
const scrapesMax = 8

// Metrics is what is measured of one server. Another one in the same process
// has its own.
type Metrics struct {
	// WritePath is to be told by the repository.
	WritePath *WritePath
	// Reads is to be told by the repository too.
	Reads *Reads
	// Feed is to be told by the feed.
	Feed *Feed
	// Streams is to be told by the transports.
	Streams *Streams

	registry *prometheus.Registry
}

// Build is what the program knows of how it was built.
type Build struct {
	Version, Revision, GoVersion string
}

// New returns metrics of which all counters are zero.
func New(build Build) *Metrics {
	registry := prometheus.NewRegistry()
	f := factory{registry}
	f.gaugeVec("build_info", "Always 1; the labels say which build this is.", "version", "revision", "goversion").
		WithLabelValues(build.Version, build.Revision, build.GoVersion).Set(1)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{
		WritePath: newWritePath(f),
		Reads:     newReads(f),
		Feed:      newFeed(f),
		Streams:   newStreams(f),
		registry:  registry,
	}
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesMax})
}

// factory makes instruments and registers them. A name that is taken is a
// mistake in this package, and panics.
type factory struct{ registry *prometheus.Registry }

func (f factory) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	f.registry.MustRegister(c)
	return c
}

func (f factory) counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f factory) gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.registry.MustRegister(g)
	return g
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	f.registry.MustRegister(h)
	return h
}

func (f factory) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	f.registry.MustRegister(h)
	return h
}

// series are counters by the value of one label.
type series map[string]prometheus.Counter

// seriesOf looks up the series of values that are known beforehand, which so
// begin at zero: the first of a kind is then an increase too.
func seriesOf(vec *prometheus.CounterVec, values ...string) series {
	s := series{}
	for _, value := range values {
		s[value] = vec.WithLabelValues(value)
	}
	return s
}
