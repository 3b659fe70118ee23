package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reads measures the statements that queries of stock share.
type Reads struct {
	groupSizes, seconds prometheus.Histogram
}

func newReads(f factory) *Reads {
	return &Reads{
		groupSizes: f.histogram("stock_group_queries",
			"How many queries of stock shared a statement, for each that answered them.", groupBuckets),
		seconds: f.histogram("stock_read_seconds",
			"How long such a statement took, waiting for a connection included.", secondsBuckets),
	}
}

// Stock notes a statement that read stock for so many queries.
func (r *Reads) Stock(queries int, took time.Duration) {
	r.groupSizes.Observe(float64(queries))
	r.seconds.Observe(took.Seconds())
}
