package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
)

var cuts = workload{
	name: "cuts",
	about: `what the feed is worth when its database connections are cut, every -cut-every, under load, at two servers; while some
transactions commit late, and so in another order than their audit entries were written in. Beside the subscribers there
are followers of stockChanges, who also leave now and then, and resume by cursor. Targets: 2 s after the load each
subscriber's last value is the database's; no version ever fell; each follower has every entry exactly once, in order`,
	servers: 2,
	needs:   needs{sql: true},
	sizes:   sizes{duration: 60 * time.Second, rate: 300, connections: 32, subscribers: 16, skus: 100, follow: 50},
	run:     runCuts,
}

const (
	cutFeed = "feed"
	cutAll  = "all"

	// lateSKUs are changed by SQL alone, for a command that met a late
	// transaction's lock would take its group along.
	lateSKUs    = 20
	lateWriters = 4

	followers = 4

	// catchUpTarget is how soon after the last change everybody must know.
	catchUpTarget = 2 * time.Second
)

func runCuts(ctx context.Context, w *world) error {
	all := w.sizes.skus + lateSKUs
	if err := w.createSKUs(ctx, 0, all); err != nil {
		return err
	}
	audience, err := w.watch(ctx, audienceSpec{
		servers: w.servers,
		fields:  briefly,
		follow: func(i int) []int {
			numbers := window(i, w.sizes.follow, w.sizes.skus)
			for late := range lateSKUs {
				numbers = append(numbers, w.sizes.skus+late)
			}
			return numbers
		},
		returns: true,
	})
	if err != nil {
		return err
	}
	defer audience.close()
	following, err := w.follow(ctx, followers)
	if err != nil {
		return err
	}
	defer following.close()

	load := newLoad()
	p := pace{time.Now(), w.sizes.rate, w.sizes.duration}
	trouble, calm := context.WithDeadline(ctx, p.begin.Add(w.sizes.duration))
	defer calm()
	var troubled sync.WaitGroup
	var cutter cutter
	var late lateCommits
	troubled.Go(func() { cutter.err = cutter.run(trouble, w) })
	for range lateWriters {
		troubled.Go(func() { late.failed(late.run(trouble, w)) })
	}
	err = load.run(ctx, w, p, w.sizes.skus, w.servers)
	calm()
	troubled.Wait()
	if err = errors.Join(err, cutter.err, late.err); err != nil {
		return err
	}

	// Late transactions end by themselves before the writers do.
	w.step("catch up")
	newest, err := w.newestVersions(ctx)
	if err != nil {
		return err
	}
	took, caughtUp, err := catchUp(ctx, audience.watchers, newest)
	if err != nil {
		return err
	}
	r := w.result
	load.report(r, "")
	r.figure("cuts", float64(cutter.cuts.Load()), "")
	r.figure("connections cut", float64(cutter.connections), "")
	r.figure("transactions committed late", float64(late.count.Load()), "")
	if caughtUp {
		r.figureAtMost("last values are the database's after", took.Seconds(), "s", catchUpTarget.Seconds())
	} else {
		r.figureAtMost("subscribers whose last values are not the database's", float64(behind(audience.watchers, newest)), "", 0)
	}
	r.figureAtMost("events whose version did not rise", float64(audience.notRisen()), "", 0)
	var returns int64
	for _, one := range audience.watchers {
		one.mu.Lock()
		returns += one.returns
		one.mu.Unlock()
	}
	r.figure("times that a subscriber had to come back", float64(returns), "")
	return following.report(ctx, w)
}

func behind(watchers []*watcher, newest map[int]int64) (count int) {
	for _, one := range watchers {
		if !one.hasReached(newest) {
			count++
		}
	}
	return count
}

// newestVersions is what the database has of this run's SKUs.
func (w *world) newestVersions(ctx context.Context) (map[int]int64, error) {
	var levels []struct {
		SKU     string
		Version int64
	}
	err := w.db.NewRaw("SELECT sku, version FROM stock_levels WHERE sku LIKE ?", w.skuPattern()).Scan(ctx, &levels)
	newest := make(map[int]int64, len(levels))
	for _, level := range levels {
		number, _ := skuNumber([]byte(level.SKU))
		newest[number] = level.Version
	}
	return newest, err
}

// ownConnection is one that the cutter spares: its name tells it from a server's.
func (w *world) ownConnection(ctx context.Context) (bun.Conn, error) {
	conn, err := w.db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "SET application_name = 'bench'")
	}
	return conn, err
}

// cutter ends the servers' connections.
type cutter struct {
	cuts        atomic.Int64
	connections int64
	err         error
}

// What a connection last ran tells what it is for. Commands read and write the
// audit log too, but they lock or change something beside.
const feedConnections = ` AND (query ~* '^\s*listen' OR query ~* 'audit_log|pg_current_snapshot' AND query !~* '\y(insert into|update|commit)\y')`

func (c *cutter) run(ctx context.Context, w *world) error {
	conn, err := w.ownConnection(ctx)
	if err != nil {
		return errUnless(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	cut := "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' AND datname = current_database()"
	if w.settings.cut == cutFeed {
		cut += feedConnections
	}
	for sleep(ctx, w.settings.cutEvery) == nil {
		var count int64
		if err := conn.NewRaw(cut).Scan(ctx, &count); err != nil {
			return errUnless(ctx, err)
		}
		c.cuts.Add(1)
		c.connections += count
	}
	return nil
}

// errUnless returns err, unless ctx has ended and with it what was tried.
func errUnless(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// lateCommits are transactions that draw their audit entry's id and then keep
// everybody waiting.
type lateCommits struct {
	count atomic.Int64
	mu    sync.Mutex
	err   error
}

// lateChange is one statement, and so one transaction. Like a command it writes
// the level before the entry. REPAIRED is the action of an entry that no command
// and no token stands behind.
const lateChange = `DO $$
DECLARE level stock_levels;
BEGIN
	UPDATE stock_levels SET total = total + 1, version = version + 1, updated_at = clock_timestamp()
	WHERE sku = '%[1]s' AND location = 'default' RETURNING * INTO STRICT level;
	INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta,
		total, reserved, allocated, version, actor, reference, command_id)
	VALUES (clock_timestamp(), 'REPAIRED', '%[1]s', 'default', 1, 0, 0,
		level.total, level.reserved, level.allocated, level.version, 'bench', 'committed late', gen_random_uuid());
	PERFORM pg_sleep(%[2]f);
END $$`

func (l *lateCommits) run(ctx context.Context, w *world) error {
	conn, err := w.ownConnection(ctx)
	if err != nil {
		return errUnless(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	for ctx.Err() == nil {
		sku := w.sku(w.sizes.skus + rand.IntN(lateSKUs))
		// To its end, even if the load ends before: who is broken off in the
		// middle doesn't know whether it committed.
		_, err := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf(lateChange, sku, 0.05+0.45*rand.Float64()))
		if err != nil {
			return fmt.Errorf("a late transaction: %w", err)
		}
		l.count.Add(1)
	}
	return nil
}

func (l *lateCommits) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}
