package feed_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
)

// busyMachine is what a machine with much else to do may add.
const busyMachine = 5 * time.Second

// The connections of two servers are cut again and again while both commit, and
// PostgreSQL stops, and crashes. Whatever happens: the versions that a subscriber
// sees only rise, within 2 s of the end its last value is the database's, and a
// follower gets every entry once.
func TestSubscribersOutliveTheDatabasesOutages(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	one, other := newServer(t, cluster.URL(), true), newServer(t, cluster.URL(), false)
	skus := []string{"A", "B", "C"}
	for _, sku := range skus {
		one.createSKU(sku, 1_000_000)
	}
	begin := one.cursorOfLast()
	load := startOutageLoad(t, skus, one, other)
	var witnesses []*witness
	for _, s := range []*server{one, other} {
		witnesses = append(witnesses, newWitness(s, begin, skus))
	}

	for range 10 {
		cut(t, cluster.URL())
		load.awaitMore(20)
	}
	for _, goAway := range []func(){cluster.Stop, cluster.Kill9} {
		goAway()
		cluster.Start()
		load.awaitMore(100)
	}
	cut(t, cluster.URL())
	load.stop()
	ended := time.Now()
	entries := one.entries()[len(skus):]
	stock, err := one.repo.Availability(t.Context(), skus, nil)
	require.NoError(t, err)
	for _, w := range witnesses {
		require.Eventually(t, func() bool { return w.hasLast(stock) }, patience, time.Millisecond)
		assert.Less(t, time.Since(ended), 2*time.Second+busyMachine)
		require.Eventually(t, func() bool { return w.hasRead(len(entries)) }, patience, time.Millisecond)
		require.Equal(t, entries, w.entries)
	}
}

// cut ends all sessions of the database.
func cut(t *testing.T, url string) {
	t.Helper()
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	require.NoError(t, err)
}

// outageLoad commits on the servers, whatever comes of it.
type outageLoad struct {
	t      *testing.T
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	done   chan struct{}
}

func startOutageLoad(t *testing.T, skus []string, servers ...*server) *outageLoad {
	l := &outageLoad{t: t, done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(t.Context())
	for caller := range 4 {
		l.ended.Go(func() {
			for n := 0; l.ctx.Err() == nil; n++ {
				_, err := servers[caller%len(servers)].repo.Do(t.Context(), inventory.CreateHold{
					ClientToken: fmt.Sprint(caller, "-", n),
					Lines:       []inventory.LineRequest{{SKU: skus[n%len(skus)], Quantity: 1}},
				}, nil)
				if err == nil {
					select {
					case l.done <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *outageLoad) awaitMore(count int) {
	l.t.Helper()
	for range count {
		select {
		case <-l.done:
		case <-time.After(patience):
			require.FailNow(l.t, "nothing is committed")
		}
	}
}

func (l *outageLoad) stop() {
	l.cancel()
	l.ended.Wait()
}
