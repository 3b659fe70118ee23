package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"
)

// bench is what the process was given.
type bench struct {
	out, log io.Writer
}

// settings is what the user asked for.
type settings struct {
	urls     []string
	database string
	program  string

	sizes      sizes
	strategies []string
	existing   int
	plot       string

	transport string
	distinct  bool
	receive   int
	cut       string
	cutEvery  time.Duration
	asJSON    bool
}

// bothStrategies has each strategy measured.
const bothStrategies = "both"

// ownDefault is shown of a flag that each workload has its own default for.
const ownDefault = "the workload's"

func (b bench) command() *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "measure Holdfast",
		ArgsUsage: "[WORKLOAD]...",
		Description: `Starts a PostgreSQL of its own and, for each workload, a database and servers; drives them; prints what it measured, and
whether the targets were reached; and checks that the database stayed consistent. All that it started is ended and removed.

Without a WORKLOAD all are run, in this order. What is in brackets is a workload's own; the flags change it.

` + describeWorkloads() + `
A target speaks of a machine with two cores, with everything on them.

Where pgbench is found, with PostgreSQL's other programs, hand-written SQL for the same work runs on the same PostgreSQL, in
turn with the servers, -rounds rounds; what it does is in bench/baseline. Figures are the rounds' median, with the lowest and
the highest. Beside each is which share of one processor the servers, the client and the whole machine took.

With -url the servers are those that run there already. What they are asked to do stays in their database: SKUs whose names
begin with "bench-", and their reservations and audit entries. Their memory and processor time aren't known then.

Exits with 1 if the database didn't stay consistent, or hasn't as many reservations as were acknowledged, and with 2 if a workload couldn't be run. A target that was missed is no failure.

Examples:
   go run ./bench
   go run ./bench hot alone
   go run ./bench -existing 5000000 hot
   go run ./bench -plot docs/throughput.svg sweep
   go run ./bench -subscribers 2000 -duration 10s crowd
   go run ./bench -url http://127.0.0.1:8080 -url2 http://127.0.0.1:8081 delivery
   go run ./bench -json expiry > expiry.json`,
		Writer:          b.out,
		ErrWriter:       b.log,
		HideVersion:     true,
		HideHelpCommand: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "measure the server at `URL` (http://host:port), instead of starting one"},
			&cli.StringFlag{Name: "url2", Usage: "a second server on the same database, at `URL`"},
			&cli.StringFlag{Name: "database", Usage: "the servers' database, at `URL`: for what needs SQL; without -url, servers are started on it"},
			&cli.StringFlag{Name: "program", Usage: "run this `FILE` as the server, instead of building this module's: to compare builds"},
			&cli.DurationFlag{Name: "duration", DefaultText: ownDefault, Usage: "how long each phase of load lasts"},
			&cli.FloatFlag{Name: "rate", DefaultText: ownDefault, Usage: "changes, holds or queries a second; given, workloads that would go as fast as they can keep to it, without a baseline"},
			&cli.IntFlag{Name: "connections", DefaultText: ownDefault, Usage: "HTTP connections that make them"},
			&cli.IntFlag{Name: "rounds", DefaultText: ownDefault, Usage: "how often those that are compared have their turn"},
			&cli.StringFlag{Name: "strategy", Value: bothStrategies, Usage: "lock strategy of holds: PESSIMISTIC, OPTIMISTIC or `both`, in turn"},
			&cli.IntFlag{Name: "existing", Usage: "how many reservations there are before the workload begins"},
			&cli.IntFlag{Name: "holds", DefaultText: ownDefault, Usage: "due: how many holds fall due together"},
			&cli.StringFlag{Name: "plot", Usage: "sweep: draw what was measured into this `FILE`, as SVG"},
			&cli.IntFlag{Name: "subscribers", DefaultText: ownDefault, Usage: "subscribers, each with a connection of its own"},
			&cli.IntFlag{Name: "skus", DefaultText: ownDefault, Usage: "how many SKUs there are"},
			&cli.IntFlag{Name: "follow", DefaultText: ownDefault, Usage: "how many of them each subscriber follows, at most 250"},
			&cli.DurationFlag{Name: "settle", DefaultText: ownDefault, Usage: "crowd: how long a server is left alone before its memory is looked at"},
			&cli.StringFlag{Name: "transport", Value: webSocketTransport, Usage: "how subscribers are connected: `ws` or sse"},
			&cli.BoolFlag{Name: "distinct", Usage: "crowd: no two subscriptions have the same text"},
			&cli.IntFlag{Name: "receive", Value: 16 << 10, Usage: "stalled: `BYTES` that the connection of one takes in that doesn't read; 0: what the system gives it"},
			&cli.StringFlag{Name: "cut", Value: cutFeed, Usage: "cuts: `feed` cuts the connections that look at the audit log or listen, all cuts all"},
			&cli.DurationFlag{Name: "cut-every", Value: 200 * time.Millisecond, Usage: "cuts: how often"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document at the end, instead of tables"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			chosen, err := workloadsNamed(c.Args().Slice())
			if err != nil {
				return err
			}
			s, err := readSettings(c)
			if err != nil {
				return err
			}
			if s.plot != "" && !slices.ContainsFunc(chosen, func(wl workload) bool { return wl.name == sweep.name }) {
				return errors.New("-plot draws the workload sweep")
			}
			return b.run(ctx, s, chosen)
		},
	}
}

func readSettings(c *cli.Command) (settings, error) {
	s := settings{
		database: c.String("database"),
		program:  c.String("program"),
		sizes: sizes{
			duration:    c.Duration("duration"),
			rate:        c.Float("rate"),
			connections: c.Int("connections"),
			subscribers: c.Int("subscribers"),
			skus:        c.Int("skus"),
			holds:       c.Int("holds"),
			rounds:      c.Int("rounds"),
			follow:      c.Int("follow"),
			settle:      c.Duration("settle"),
		},
		strategies: lockStrategies,
		existing:   c.Int("existing"),
		plot:       c.String("plot"),

		transport: c.String("transport"),
		distinct:  c.Bool("distinct"),
		receive:   c.Int("receive"),
		cut:       c.String("cut"),
		cutEvery:  c.Duration("cut-every"),
		asJSON:    c.Bool("json"),
	}
	for _, name := range []string{"url", "url2"} {
		given := c.String(name)
		if given == "" {
			continue
		}
		if u, err := url.Parse(given); err != nil || u.Scheme != "http" || u.Host == "" {
			return s, fmt.Errorf("-%s is http://host:port, not %q", name, given)
		}
		s.urls = append(s.urls, given)
	}
	if strategy := c.String("strategy"); strategy != bothStrategies {
		if !slices.Contains(lockStrategies, strategy) {
			return s, fmt.Errorf("-strategy is PESSIMISTIC, OPTIMISTIC or both, not %q", strategy)
		}
		s.strategies = []string{strategy}
	}
	switch {
	case c.String("url") == "" && c.String("url2") != "":
		return s, errors.New("-url2 wants -url")
	case s.sizes.anyNegative() || s.receive < 0 || s.existing < 0:
		return s, errors.New("no size, rate or duration is below zero")
	case s.sizes.follow > skusPerSubscriptionMax:
		return s, fmt.Errorf("-follow is at most %d", skusPerSubscriptionMax)
	case s.transport != webSocketTransport && s.transport != sseTransport:
		return s, fmt.Errorf("-transport is ws or sse, not %q", s.transport)
	case s.cut != cutFeed && s.cut != cutAll:
		return s, fmt.Errorf("-cut is feed or all, not %q", s.cut)
	case s.cutEvery <= 0:
		return s, errors.New("-cut-every is more than zero")
	}
	return s, nil
}

// errInconsistent is a finding, not a failure to find out.
var errInconsistent = errors.New("the database did not stay consistent, or has not what was acknowledged")

func (b bench) run(ctx context.Context, s settings, chosen []workload) (err error) {
	show := newProgress(b.log)
	defer show.end()
	m, err := openMachine(ctx, s, show)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()

	all := report{StartedAt: time.Now().UTC(), Machine: thisMachine()}
	inconsistent := false
	for _, wl := range chosen {
		r, err := m.measure(ctx, wl)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx) // what else failed, failed for that
			}
			return fmt.Errorf("%s: %w", wl.name, err)
		}
		all.Workloads = append(all.Workloads, r)
		inconsistent = inconsistent || !r.holds()
		show.end()
		if !s.asJSON {
			r.print(b.out)
		}
	}
	if s.asJSON {
		encoder := json.NewEncoder(b.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(all); err != nil {
			return err
		}
	}
	if inconsistent {
		return errInconsistent
	}
	return nil
}

func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	if !isFile {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
