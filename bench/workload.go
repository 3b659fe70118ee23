package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// workload is one way to use Holdfast that is worth a figure.
type workload struct {
	name  string
	about string
	// servers is how many it can use; it gets fewer where fewer are given.
	servers int
	needs   needs
	sizes   sizes
	run     func(context.Context, *world) error
}

// needs is what a workload can't be run without.
type needs struct {
	sql       bool
	webSocket bool
	servers   bool // as many as it can use
}

// workloads is the registry: what -h lists, and what runs without an argument,
// in this order.
var workloads = []workload{
	hot, spread, zipf, batch, convert, release, soldout, availability, watched, due, servers, alone, sweep,
	delivery, crowd, stalled, cuts, expiry,
	loris, handshakes,
}

// sizes is how much of everything. What is zero in the user's is the workload's.
type sizes struct {
	duration    time.Duration
	rate        float64
	connections int
	subscribers int
	skus        int
	holds       int
	rounds      int
	follow      int
	// settle is how long a server is left alone before its memory is looked at:
	// what connecting took is collected meanwhile.
	settle time.Duration
}

func (s sizes) anyNegative() bool {
	return s.duration < 0 || s.rate < 0 || s.connections < 0 || s.subscribers < 0 || s.skus < 0 || s.holds < 0 || s.rounds < 0 || s.follow < 0 || s.settle < 0
}

// over returns the sizes that the user asked for, and the workload's own for
// the rest.
func (s sizes) over(own sizes) sizes {
	either(&own.duration, s.duration)
	either(&own.rate, s.rate)
	either(&own.connections, s.connections)
	either(&own.subscribers, s.subscribers)
	either(&own.skus, s.skus)
	either(&own.holds, s.holds)
	either(&own.rounds, s.rounds)
	either(&own.follow, s.follow)
	either(&own.settle, s.settle)
	own.follow = min(own.follow, own.skus)
	return own
}

func either[T comparable](own *T, asked T) {
	var none T
	if asked != none {
		*own = asked
	}
}

// String says the sizes as flags, those that a workload has no use for left out.
func (s sizes) String() string {
	var said []string
	say := func(name string, value any, used bool) {
		if used {
			said = append(said, fmt.Sprintf("-%s %v", name, value))
		}
	}
	say("duration", s.duration, s.duration > 0)
	say("rate", s.rate, s.rate > 0)
	say("connections", s.connections, s.connections > 0)
	say("subscribers", s.subscribers, s.subscribers > 0)
	say("skus", s.skus, s.skus > 0)
	say("holds", s.holds, s.holds > 0)
	say("rounds", s.rounds, s.rounds > 0)
	say("follow", s.follow, s.follow > 0)
	say("settle", s.settle, s.settle > 0)
	return strings.Join(said, " ")
}

func workloadsNamed(names []string) ([]workload, error) {
	if len(names) == 0 {
		return workloads, nil
	}
	var chosen []workload
	for _, name := range names {
		found := false
		for _, wl := range workloads {
			if wl.name == name {
				chosen, found = append(chosen, wl), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no workload %q; -h lists them (flags go before workloads)", name)
		}
	}
	return chosen, nil
}

func describeWorkloads() string {
	var text strings.Builder
	for _, wl := range workloads {
		fmt.Fprintf(&text, "%-12s %s\n             [%s]\n", wl.name, strings.ReplaceAll(wl.about, "\n", "\n             "), wl.sizes)
	}
	return text.String()
}
