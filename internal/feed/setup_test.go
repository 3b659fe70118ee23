package feed_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withPostgres{m}) }

// withPostgres stops the tests' PostgreSQL before goroutines are looked for.
type withPostgres struct{ tests *testing.M }

func (w withPostgres) Run() int { return pgtest.Main(w.tests) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a stock and a feed over it.
type world struct {
	*feed.Feed
	t testing.TB

	mu sync.Mutex
	// levels are those of each known SKU, in order of their location.
	levels       map[string][]inventory.StockLevel
	reservations map[string]inventory.Reservation
	err          error

	// afterRead, if it isn't nil, runs between a read and its answer.
	afterRead func()
}

// inWorld runs a test in which "everybody waits" can be seen. It fails if a
// subscription leaves a goroutine or a listener behind.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, levels: map[string][]inventory.StockLevel{}, reservations: map[string]inventory.Reservation{}}
		w.Feed = feed.New(w, nil, feed.Options{}) // it isn't started
		t.Cleanup(func() {                        // the test's context has ended
			synctest.Wait()
			require.Zero(t, w.Listeners(), "somebody still listens")
		})
		test(t, w)
	})
}

func (w *world) Availability(_ context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	answer, err := w.read(skus, location)
	if w.afterRead != nil {
		w.afterRead()
	}
	return answer, err
}

func (w *world) ReservationByID(_ context.Context, id string) (*inventory.Reservation, error) {
	w.mu.Lock()
	var answer *inventory.Reservation
	if r, ok := w.reservations[strings.ToLower(id)]; ok {
		answer = &r
	}
	err := w.err
	w.mu.Unlock()
	if w.afterRead != nil {
		w.afterRead()
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// read answers one value per known SKU, however often it is asked for, as the
// repository does.
func (w *world) read(skus []string, location *string) ([]*inventory.Availability, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	bySKU := map[string]*inventory.Availability{}
	for sku, levels := range w.levels {
		kept := slices.DeleteFunc(slices.Clone(levels), func(l inventory.StockLevel) bool {
			return location != nil && l.Location != *location
		})
		bySKU[sku] = &inventory.Availability{SKU: sku, Location: location, Locations: kept, CreatedAt: noon}
	}
	answer := make([]*inventory.Availability, len(skus))
	for i, sku := range skus {
		answer[i] = bySKU[sku]
	}
	return answer, nil
}

// stock is what the world's stock of the SKU is now.
func (w *world) stock(sku string, location *string) *inventory.Availability {
	answer, err := w.read([]string{sku}, location)
	require.NoError(w.t, err)
	return answer[0]
}

// add makes a SKU known, with a level of version 1 at each location.
func (w *world) add(sku string, locations ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.levels[sku] = nil
	for _, location := range slices.Sorted(slices.Values(locations)) {
		w.levels[sku] = append(w.levels[sku], level(sku, location, 1))
	}
}

// commit changes a level, which it makes if need be, and tells nobody.
func (w *world) commit(sku, location string) inventory.StockLevel {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, found := slices.BinarySearchFunc(w.levels[sku], location, func(l inventory.StockLevel, location string) int {
		return strings.Compare(l.Location, location)
	})
	if !found {
		w.levels[sku] = slices.Insert(w.levels[sku], at, level(sku, location, 0))
	}
	w.levels[sku][at] = level(sku, location, w.levels[sku][at].Version+1)
	return w.levels[sku][at]
}

// change commits a change and announces it.
func (w *world) change(sku, location string) inventory.StockLevel {
	after := w.commit(sku, location)
	w.announce(after)
	return after
}

func (w *world) announce(levels ...inventory.StockLevel) {
	var changes inventory.Changes
	for _, after := range levels {
		changes.Levels = append(changes.Levels, inventory.LevelChange{After: after, VersionBefore: after.Version - 1})
	}
	w.Announce(changes)
}

// commitReservation stores the reservation, and tells nobody.
func (w *world) commitReservation(r inventory.Reservation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reservations[r.ID] = r
}

// subscribe subscribes until the test ends.
func (w *world) subscribe(skus ...string) <-chan *inventory.Availability {
	w.t.Helper()
	return w.subscribeAt(nil, skus...)
}

func (w *world) subscribeAt(location *string, skus ...string) <-chan *inventory.Availability {
	w.t.Helper()
	values, err := w.Feed.Availability(w.t.Context(), skus, location)
	require.NoError(w.t, err)
	return values
}

func (w *world) follow(id string) <-chan *inventory.Reservation {
	w.t.Helper()
	values, err := w.Reservation(w.t.Context(), id)
	require.NoError(w.t, err)
	return values
}

// level is the state of a level at its version, so that states tell apart.
func level(sku, location string, version int64) inventory.StockLevel {
	return inventory.StockLevel{
		SKU: sku, Location: location, Total: 1000 + version, Reserved: version, Version: version,
		UpdatedAt: noon.Add(time.Duration(version) * time.Second),
	}
}

// next is what the channel delivers now.
func next[T any](t testing.TB, values <-chan *T) *T {
	t.Helper()
	synctest.Wait()
	select {
	case value, open := <-values:
		require.True(t, open, "the channel is closed")
		return value
	default:
		require.FailNow(t, "nothing is delivered")
		return nil
	}
}

func requireNothing[T any](t testing.TB, values <-chan *T) {
	t.Helper()
	synctest.Wait()
	select {
	case value, open := <-values:
		require.True(t, open, "the channel is closed")
		require.FailNow(t, "something is delivered", "%+v", *value)
	default:
	}
}

func requireClosed[T any](t testing.TB, values <-chan *T) {
	t.Helper()
	synctest.Wait()
	select {
	case value, open := <-values:
		require.False(t, open, "something is delivered: %+v", value)
	default:
		require.FailNow(t, "the channel is open")
	}
}
