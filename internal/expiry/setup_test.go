package expiry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/expiry"
	"holdfast/internal/inventory"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const interval = time.Minute

// hold is one in the world's database.
type hold struct {
	deadline time.Time
	// seenAt is when it was committed, freeAt until when somebody locks it.
	seenAt, freeAt time.Time
	endedAt        time.Time
}

// world is a database of holds, whose clock is hours from the scheduler's, and
// a scheduler over it. Times are the database's.
type world struct {
	scheduler *expiry.Scheduler
	log       bytes.Buffer

	mu     sync.Mutex
	offset time.Duration
	holds  []*hold
	down   bool
	// sweeps is where each sweep began.
	sweeps []time.Time
	// gate, if it isn't nil, is what each sweep waits for after it has said on
	// arrived that it is there.
	gate, arrived chan struct{}
}

// inWorld runs a test in simulated time. It fails if the scheduler leaves a
// goroutine behind.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{offset: -3 * time.Hour}
		w.restart(t)
		test(t, w)
	})
}

// restart gives the world a scheduler that knows nothing yet.
func (w *world) restart(t *testing.T) {
	if w.scheduler != nil {
		w.scheduler.Stop(context.Background())
	}
	w.scheduler = expiry.New(w, expiry.Options{Interval: interval, Log: slog.New(slog.NewTextHandler(&w.log, nil))})
	t.Cleanup(func() { w.scheduler.Stop(context.Background()) })
}

func (w *world) now() time.Time { return time.Now().Add(w.offset) }

// add commits a hold that nobody announces.
func (w *world) add(deadline time.Duration) *hold {
	return w.addLate(deadline, 0)
}

// addLate has the hold committed after a while.
func (w *world) addLate(deadline, delay time.Duration) *hold {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &hold{deadline: w.now().Add(deadline), seenAt: w.now().Add(delay)}
	w.holds = append(w.holds, h)
	return h
}

// announce tells the scheduler of the hold as its own server's.
func (w *world) announce(h *hold) {
	w.scheduler.Announce(inventory.Changes{Made: []inventory.Reservation{
		{Status: inventory.Allocated},
		{Status: inventory.Held, ExpiresAt: &h.deadline},
	}})
}

func (w *world) setDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// after lets time pass, and everything come to rest.
func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Sweep does what the repository's does.
func (w *world) Sweep(ctx context.Context, from time.Time, limit int) (inventory.Swept, error) {
	if w.gate != nil {
		w.arrived <- struct{}{}
		select {
		case <-w.gate:
		case <-ctx.Done():
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweeps = append(w.sweeps, from)
	if ctx.Err() != nil {
		return inventory.Swept{}, ctx.Err()
	}
	if w.down {
		return inventory.Swept{}, errors.New("the database is down")
	}

	now := w.now()
	swept := inventory.Swept{Now: now, Through: now}
	slices.SortFunc(w.holds, func(a, b *hold) int { return a.deadline.Compare(b.deadline) })
	for _, h := range w.holds {
		if h.deadline.Before(from) || h.seenAt.After(now) || !h.endedAt.IsZero() {
			continue
		}
		if swept.Next.IsZero() {
			swept.Next = h.deadline
		}
		if h.deadline.After(now) {
			break
		}
		if h.freeAt.After(now) {
			continue
		}
		h.endedAt = now
		swept.Ended++
		if swept.Ended == limit {
			swept.More, swept.Through = true, h.deadline
			break
		}
	}
	return swept, nil
}

func (w *world) sweepCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sweeps)
}

// lateness is how long after the moment it could have ended the hold did.
func (w *world) lateness(t *testing.T, h *hold) time.Duration {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.False(t, h.endedAt.IsZero(), "the hold is still held")
	could := h.deadline
	for _, at := range []time.Time{h.seenAt, h.freeAt} {
		if at.After(could) {
			could = at
		}
	}
	return h.endedAt.Sub(could)
}
