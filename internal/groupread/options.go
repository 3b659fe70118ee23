package groupread

const (
	// lanesMaxDefault is enough for one to be slow.
	lanesMaxDefault = 2
	// groupMaxDefault: past a few hundred queries the cost that they share is
	// small beside that of each.
	groupMaxDefault = 256
	// queueMaxDefault: some ten full groups. What would wait longer is better
	// told so at once.
	queueMaxDefault = 10 * groupMaxDefault
)

// Options bound the lanes. The zero value is ready for use.
type Options[Q any] struct {
	// LanesMax bounds the reads that are under way at the same time. Zero: 2.
	LanesMax int
	// GroupMax and QueueMax bound a group and those who wait, in queries. Zero:
	// 256 and 2,560.
	GroupMax, QueueMax int
	// GroupWeightMax and QueueWeightMax bound them in weight. Zero: no such
	// bound. A query heavier than a bound still gets in when it is the only one.
	GroupWeightMax, QueueWeightMax int
	// Weight weighs a query, on its caller's goroutine. Nil: each weighs 1.
	Weight func(Q) int
}

func (o Options[Q]) withDefaults() Options[Q] {
	if o.LanesMax <= 0 {
		o.LanesMax = lanesMaxDefault
	}
	if o.GroupMax <= 0 {
		o.GroupMax = groupMaxDefault
	}
	if o.QueueMax <= 0 {
		o.QueueMax = queueMaxDefault
	}
	return o
}

func (o *Options[Q]) weigh(query Q) int {
	if o.Weight == nil {
		return 1
	}
	return max(0, o.Weight(query))
}
