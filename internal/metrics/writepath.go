package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"holdfast/internal/groupcommit"
	"holdfast/internal/inventory"
)

var (
	// secondsBuckets are from what a message takes on an idle machine to what
	// a command waits for a lock at most.
	secondsBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	// groupBuckets end with the largest group.
	groupBuckets = prometheus.ExponentialBuckets(1, 2, 10)
	// latenessBuckets have the 50 ms that 99 of 100 holds are to keep to, and
	// end with what only an outage makes.
	latenessBuckets = []float64{.005, .01, .02, .03, .05, .075, .1, .25, .5, 1, 2.5, 10, 60}
)

// results are what becomes of a command, codes of refusals included.
var results = []string{
	"done", "replayed", "overloaded", "unknown", "error",
	string(inventory.InsufficientStock), string(inventory.InvalidState), string(inventory.VersionConflict),
	string(inventory.IdempotencyConflict), string(inventory.UnknownSKU), string(inventory.UnknownLocation),
	string(inventory.NotFound), string(inventory.AlreadyExists), string(inventory.InvalidInput), string(inventory.Contended),
}

var retryReasons = []string{"moved", "collision", "lock_timeout", "unavailable", "too_large", "data"}

// WritePath measures commands, groups and the ends of overdue holds. It
// implements repo.Observer.
type WritePath struct {
	// commands are by name and result.
	commands   map[string]series
	groupSizes map[inventory.Strategy]prometheus.Observer
	queueWaits prometheus.Histogram
	loads      map[inventory.Strategy]prometheus.Observer
	commits    map[inventory.Strategy]prometheus.Observer
	conflicts  prometheus.Counter
	retries    *prometheus.CounterVec
	setAside   prometheus.Counter
	expired    prometheus.Counter
	lateness   prometheus.Histogram
}

func newWritePath(f factory) *WritePath {
	w := &WritePath{
		commands: map[string]series{},
		groupSizes: byStrategy(f.histogramVec("group_commands",
			"How many commands shared a transaction, by the lane that they came through.", groupBuckets, "strategy")),
		queueWaits: f.histogram("queue_wait_seconds",
			"How long the oldest command of each group had been waiting when the group began; groups that it had to leave before count as waiting.", secondsBuckets),
		loads: byStrategy(f.histogramVec("load_seconds",
			"How long a group's first message took, which locks and reads: waiting for others' locks is in it.", secondsBuckets, "strategy")),
		commits: byStrategy(f.histogramVec("commit_seconds",
			"How long a group's last message took, which writes and commits: waiting for the disk is in it.", secondsBuckets, "strategy")),
		conflicts: f.counter("optimistic_conflicts_total",
			"Commands whose stock was changed by others between load and save. Each was decided anew, or refused as CONTENDED."),
		retries: f.counterVec("retries_total",
			"Groups that had to be run again, whole or in part, by why.", "reason"),
		setAside: f.counter("set_aside_total",
			"Commands that were taken out of their group to wait alone, because others kept their rows locked."),
		expired: f.counter("expired_holds_total",
			"Holds that this server ended because their deadline had come, by a sweep or as a command met them."),
		lateness: f.histogram("expiry_lateness_seconds",
			"How long after its deadline the end of a hold was committed, for each that a sweep of this server ended.", latenessBuckets),
	}
	seriesOf(w.retries, retryReasons...)
	commands := f.counterVec("commands_total",
		"Commands by what became of them: done, replayed (a client token or an ending repeated), the code of the refusal, "+
			"overloaded (nothing was done), unknown (a repetition finds out) or error.", "command", "outcome")
	for _, name := range commandNames {
		w.commands[name] = seriesOf(commands.MustCurryWith(prometheus.Labels{"command": name}), results...)
	}
	return w
}

func byStrategy(vec *prometheus.HistogramVec) map[inventory.Strategy]prometheus.Observer {
	observers := map[inventory.Strategy]prometheus.Observer{}
	for _, strategy := range inventory.Strategies {
		observers[strategy] = vec.WithLabelValues(string(strategy))
	}
	return observers
}

// Command counts a command by its result.
func (w *WritePath) Command(command inventory.Command, result string) {
	counted := w.commands[nameOf(command)]
	counter, known := counted[result]
	if !known {
		counter = counted["error"]
	}
	counter.Inc()
}

// Group notes a group that a lane ran. One that was set aside is always a single
// command, and has waited for others' locks rather than in the queue.
func (w *WritePath) Group(lane inventory.Strategy, group groupcommit.Group) {
	if group.Alone {
		return
	}
	w.groupSizes[lane].Observe(float64(group.Size))
	w.queueWaits.Observe(group.Waited.Seconds())
}

// Loaded notes how long a group's first message took.
func (w *WritePath) Loaded(by inventory.Strategy, took time.Duration) {
	w.loads[by].Observe(took.Seconds())
}

// Committed notes how long a group's last message took.
func (w *WritePath) Committed(by inventory.Strategy, took time.Duration) {
	w.commits[by].Observe(took.Seconds())
}

// Conflict counts commands whose levels had moved.
func (w *WritePath) Conflict(commands int) { w.conflicts.Add(float64(commands)) }

// Retry counts a group that is run again.
func (w *WritePath) Retry(reason string) { w.retries.WithLabelValues(reason).Inc() }

// SetAside counts a command that is sent off its lane.
func (w *WritePath) SetAside() { w.setAside.Inc() }

// Expired counts holds that were ended because their deadline had come.
func (w *WritePath) Expired(holds int) { w.expired.Add(float64(holds)) }

// Late notes how late the end of a hold was committed.
func (w *WritePath) Late(by time.Duration) { w.lateness.Observe(by.Seconds()) }
