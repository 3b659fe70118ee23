//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/database"
	"holdfast/internal/pgtest"
)

// longGrace is for a machine that is busy with other tests.
const longGrace = "HOLDFAST_SHUTDOWN_GRACE=2m"

// A drain is right when
//
//  1. whatever was sent over a connection that was let in is answered,
//  2. the program ends with status 0, and so within its grace,
//  3. the database has the holds that were acknowledged and no others.
func TestADrainUnderLoadLosesNoRequest(t *testing.T) {
	t.Parallel()
	const rounds, servers = 2, 10
	url := pgtest.URL(t)
	dir := openDir(t)
	var all []string
	for round := range rounds {
		ledgers, running := make([]*ledger, servers), make([]*process, servers)
		for i := range running {
			ledgers[i] = newLedger()
			running[i] = startProgram(t, dir, "DATABASE_URL="+url, longGrace, fmt.Sprint("GOMAXPROCS=", 1+i%2))
		}
		var drained sync.WaitGroup
		for i, s := range running {
			drained.Go(func() { drainUnderLoad(t, s, fmt.Sprint("S", round, "-", i), ledgers[i]) })
		}
		drained.Wait()
		for _, told := range ledgers {
			all = append(all, told.held...)
		}
	}
	require.ElementsMatch(t, all, heldTokens(t, url))
	out, err := runProgram(t, []string{"DATABASE_URL=" + url}, "check")
	require.NoError(t, err, out)
}

func TestADrainUnderLoadStopsThePrivatePostgreSQLLast(t *testing.T) {
	t.Parallel()
	dir, told := openDir(t), newLedger()
	drainUnderLoad(t, startProgram(t, dir, longGrace), "PRIVATE", told)
	requireNoPostgres(t, dir)

	s := startProgram(t, dir)
	a := s.query(`{ availability(skus: ["PRIVATE"]) { reserved } }`, nil)
	require.JSONEq(t, fmt.Sprintf(`[{"reserved": %d}]`, len(told.held)), string(a.Data["availability"]))
	s.requireConsistent()
	s.requireStops()
}

// drainUnderLoad has clients of all kinds use the server, and stops it.
func drainUnderLoad(t *testing.T, s *process, name string, told *ledger) {
	s.createSKU(name, 1_000_000)
	addr := strings.TrimPrefix(s.url, "http://")
	var running sync.WaitGroup
	for i := range 12 {
		strategy := strategies["Mixed"][i%2]
		c := &client{caller: caller{addr: addr}, name: fmt.Sprint(name, "-", i)}
		c.body = func(token string) string { return holdBody(token, name, strategy) }
		c.pause = func() time.Duration { return 0 }
		switch i % 3 {
		case 1: // now and then, but often enough to be told to leave
			c.pause = func() time.Duration { return rand.N(400 * time.Millisecond) }
		case 2:
			c.body = func(string) string {
				return fmt.Sprintf(`{"query":"{ availability(skus: [\"%s\"]) { available } }"}`, name)
			}
		}
		running.Go(func() { c.run(told) })
		if i%6 == 0 {
			w := s.dial(t)
			running.Go(func() { w.hold(fmt.Sprint(name, "-ws-", i), name, strategy, told) })
		}
	}
	<-told.enough
	s.requireStops()
	running.Wait()
	assert.Empty(t, told.lost)
}

func heldTokens(t *testing.T, url string) (tokens []string) {
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.NewRaw("SELECT client_token FROM reservations WHERE status = 'HELD'").Scan(t.Context(), &tokens))
	return tokens
}

// stuckHold makes a hold that waits for a lock until t ends. Its answer comes
// from the channel.
func stuckHold(t *testing.T, s *process, url string) <-chan string {
	s.createSKU("STUCK", 10)
	db, err := database.Open(url, 1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "SELECT FROM stock_levels FOR UPDATE")
	require.NoError(t, err)
	answered := make(chan string, 1)
	go func() {
		c := caller{addr: strings.TrimPrefix(s.url, "http://")}
		defer c.leave()
		text, err := c.post(holdBody("stuck", "STUCK", "PESSIMISTIC"))
		answered <- fmt.Sprint(string(text), err)
	}()
	waiting, err := database.Open(url, 1)
	require.NoError(t, err)
	defer func() { _ = waiting.Close() }()
	require.Eventually(t, func() bool {
		var is bool
		err := waiting.NewRaw("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(t.Context(), &is)
		return err == nil && is
	}, patience, 10*time.Millisecond)
	return answered
}

func TestADrainAnswersWhatItCanNotFinishWithinItsGrace(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := startProgram(t, openDir(t), "DATABASE_URL="+url, "HOLDFAST_SHUTDOWN_GRACE=3s")
	answered := stuckHold(t, s, url)
	s.requireStops()
	require.Contains(t, <-answered, "UNKNOWN_OUTCOME")
}

func TestAClosedTerminalStopsAServerInOrder(t *testing.T) {
	t.Parallel()
	s := startProgram(t, openDir(t), "DATABASE_URL="+pgtest.URL(t))
	s.signal(syscall.SIGHUP)
	require.NoError(t, s.command.Wait(), s.said)
	require.Contains(t, s.said.String(), `"msg":"stopped"`)
}

func TestASecondSignalStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			s := startProgram(t, openDir(t), "DATABASE_URL="+url, "HOLDFAST_SHUTDOWN_GRACE=10m")
			stuckHold(t, s, url)
			s.signal(signal)
			require.Eventually(t, func() bool { return strings.Contains(s.said.String(), "a second signal stops at once") }, patience, time.Millisecond)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = s.command.Wait()
			}()
			require.Eventually(t, func() bool {
				select {
				case <-ended:
					return true
				default: // one that comes together with the first counts as the same
					_ = s.command.Process.Signal(signal)
					return false
				}
			}, patience, 10*time.Millisecond)
			require.Equal(t, signal, s.command.ProcessState.Sys().(syscall.WaitStatus).Signal(), s.said)
		})
	}
}
