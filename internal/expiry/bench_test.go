package expiry_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/expiry"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// BenchmarkLateness says how late holds end of which 1,000 fall due each second,
// on a durable PostgreSQL of its own: from the deadline until the server's
// subscribers are told, which is when the answer to the COMMIT is there. Each of
// the four takes half a minute. What else the machine does shows in the tails.
func BenchmarkLateness(b *testing.B) {
	const (
		holds = 20_000
		step  = time.Millisecond
	)
	for _, skus := range []int{1, 1_000} {
		for _, making := range []int{0, 1_000} {
			b.Run(fmt.Sprintf("SKUs=%d,making=%d", skus, making), func(b *testing.B) {
				for b.Loop() {
					s := newMeasured(b, skus)
					s.makeHolds(holds)
					s.due(5*time.Second, step)
					s.scheduler.Start()
					stop := s.keepMaking(making)
					s.awaitExpired(holds)
					stop()
					s.reportLateness()
				}
			})
		}
	}
}

// BenchmarkBacklog says how many holds a second end that are due all at once.
func BenchmarkBacklog(b *testing.B) {
	const holds = 100_000
	for _, skus := range []int{1, 1_000} {
		b.Run(fmt.Sprintf("SKUs=%d", skus), func(b *testing.B) {
			for b.Loop() {
				s := newMeasured(b, skus)
				s.makeHolds(holds)
				s.due(-time.Second, 0)
				began := time.Now()
				s.scheduler.Start()
				s.awaitExpired(holds)
				b.ReportMetric(holds/time.Since(began).Seconds(), "holds/s")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// measured is one server, and who is told of what it ends.
type measured struct {
	*testing.B
	skus      int
	db        *bun.DB
	store     *repo.Repo
	scheduler *expiry.Scheduler

	mu       sync.Mutex
	lateness []time.Duration
	told     chan struct{}
}

func newMeasured(b *testing.B, skus int) *measured {
	b.Helper()
	s := &measured{B: b, skus: skus, told: make(chan struct{}, 1)}
	var err error
	s.db, err = database.Open(pgtest.NewCluster(b).URL(), 24)
	require.NoError(b, err)
	b.Cleanup(func() { _ = s.db.Close() })
	log := slog.New(slog.NewTextHandler(b.Output(), nil))
	s.store = repo.New(s.db, repo.Options{
		Limits:         inventory.Limits{HoldTTL: time.Hour, HoldTTLMax: 24 * time.Hour, LinesMax: 100},
		Strategy:       inventory.Pessimistic,
		LockTimeout:    30 * time.Second,
		RequestTimeout: 35 * time.Second,
		Log:            log,
	})
	s.scheduler = expiry.New(repo.NewSweeper(s.store), expiry.Options{Interval: interval, Log: log})
	s.store.AnnounceTo(s, s.scheduler)
	b.Cleanup(func() {
		s.scheduler.Stop(context.Background())
		s.store.Close(context.Background())
	})
	stock := int64(1_000_000)
	for i := range skus {
		outcome, err := s.store.Do(b.Context(), inventory.CreateSKU{SKU: sku(i), Name: sku(i), InitialStock: &stock}, nil)
		require.NoError(b, err)
		require.Empty(b, outcome.Refused)
	}
	return s
}

func sku(i int) string { return fmt.Sprintf("SKU-%04d", i) }

// Announce implements repo.Announcer. The database is on this machine, and has
// its clock.
func (s *measured) Announce(changes inventory.Changes) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, move := range changes.Moved {
		if move.After.Status == inventory.Expired {
			s.lateness = append(s.lateness, now.Sub(*move.After.ExpiresAt))
		}
	}
	select {
	case s.told <- struct{}{}:
	default:
	}
}

func (s *measured) hold(i int) {
	outcome, err := s.store.Do(s.Context(), inventory.CreateHold{
		ClientToken: rand.Text(), Lines: []inventory.LineRequest{{SKU: sku(i % s.skus), Quantity: 1}},
	}, nil)
	if err != nil || len(outcome.Refused) > 0 {
		s.Errorf("a hold was not made: %v %v", err, outcome.Refused)
	}
}

func (s *measured) makeHolds(holds int) {
	s.Helper()
	const callers = 256
	var making sync.WaitGroup
	for caller := range callers {
		making.Go(func() {
			for i := caller; i < holds; i += callers {
				s.hold(i)
			}
		})
	}
	making.Wait()
	require.False(s, s.Failed())
}

// keepMaking makes so many holds a second, which end long after, until it is
// told to stop.
func (s *measured) keepMaking(perSecond int) (stop func()) {
	const tick = 10 * time.Millisecond
	done := make(chan struct{})
	var making sync.WaitGroup
	making.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for made := 0; ; {
			select {
			case <-ticker.C:
				for range perSecond * int(tick) / int(time.Second) {
					made++
					making.Go(func() { s.hold(made) })
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		making.Wait()
	}
}

// due moves the deadlines: the first to start from now, each other a step behind
// the one before. What was moved is vacuumed away, as it would have been long
// since.
func (s *measured) due(start, step time.Duration) {
	s.Helper()
	_, err := s.db.ExecContext(s.Context(), `UPDATE reservations AS r
		SET created_at = r.created_at - interval '1 hour', expires_at = c.now + (? + n * ?) * interval '1 microsecond'
		FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM reservations) AS h, (SELECT clock_timestamp() AS now) AS c
		WHERE r.id = h.id`, start.Microseconds(), step.Microseconds())
	require.NoError(s, err)
	_, err = s.db.ExecContext(s.Context(), "VACUUM ANALYZE")
	require.NoError(s, err)
}

func (s *measured) awaitExpired(holds int) {
	s.Helper()
	for {
		<-s.told
		s.mu.Lock()
		expired := len(s.lateness)
		s.mu.Unlock()
		if expired == holds {
			return
		}
	}
}

func (s *measured) reportLateness() {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.lateness)
	at := func(share float64) float64 {
		return float64(s.lateness[int(share*float64(len(s.lateness)-1))].Microseconds()) / 1000
	}
	s.ReportMetric(at(0.5), "p50-ms")
	s.ReportMetric(at(0.99), "p99-ms")
	s.ReportMetric(at(0.999), "p99.9-ms")
	s.ReportMetric(at(1), "max-ms")
	s.ReportMetric(0, "ns/op")
}
