package groupcommit

const (
	// groupMaxDefault: past a few hundred commands the wait that they share
	// is small beside the work of each, and a larger group only answers later.
	groupMaxDefault = 256
	// queueMaxDefault: some ten full groups. What would wait longer is better
	// told so at once.
	queueMaxDefault = 10 * groupMaxDefault
	// aloneMaxDefault: each takes a connection of the flush's for as long as
	// it waits.
	aloneMaxDefault = 4
)

// Options bound a lane and tell it what it can't know about its commands. The
// zero value is ready for use.
type Options[C any] struct {
	// GroupMax and QueueMax bound a group and the queue in commands. Zero: 256
	// and 2,560. The commands that wait for a place to run alone are bounded by
	// QueueMax and QueueWeightMax too, in a count of their own; one too many is
	// answered ErrOverloaded. Commands that run again always find room, so
	// the queue can pass its bound by what was under way.
	GroupMax, QueueMax int
	// GroupWeightMax and QueueWeightMax bound them in weight. Zero: no such
	// bound. A command heavier than a bound still gets in when it is the only
	// one.
	GroupWeightMax, QueueWeightMax int
	// AloneMax bounds the commands that run alone at the same time. Zero: 4.
	AloneMax int
	// Weight weighs a command, on its caller's goroutine. Nil: each weighs 1.
	Weight func(C) int
	// Observe is told of each group once it is answered. It must be quick, for
	// the lane waits for it, and safe to call from several goroutines. Nil:
	// nobody is told.
	Observe func(Group)
}

func (o Options[C]) withDefaults() Options[C] {
	if o.GroupMax <= 0 {
		o.GroupMax = groupMaxDefault
	}
	if o.QueueMax <= 0 {
		o.QueueMax = queueMaxDefault
	}
	if o.AloneMax <= 0 {
		o.AloneMax = aloneMaxDefault
	}
	return o
}

func (o *Options[C]) weigh(command C) int {
	if o.Weight == nil {
		return 1
	}
	return max(0, o.Weight(command))
}
