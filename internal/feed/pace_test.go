package feed_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
)

// tail is a log of changes of one level each, all of which can be seen at once.
type tail struct {
	mu    sync.Mutex
	world *world
	// entries are the levels after each change, by their places less one.
	entries []inventory.StockLevel
	looks   int
	down    bool
}

var errDown = errors.New("the database is down")

// inTailedWorld runs a test with a log, whose reader is started.
func inTailedWorld(t *testing.T, test func(t *testing.T, w *world, log *tail, out *bytes.Buffer)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		var out bytes.Buffer // read once the reader rests
		log := &tail{world: w}
		w.Feed = feed.New(w, log, feed.Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
		w.add("A", "default")
		w.Start()
		test(t, w, log, &out)
		w.Stop(context.Background())
	})
}

// commit changes the level, and has it in the log.
func (l *tail) commit(sku string) {
	after := l.world.commit(sku, "default")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, after)
}

func (l *tail) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *tail) lookCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looks
}

func (l *tail) Look(context.Context) (inventory.LogLook, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks++
	if l.down {
		return inventory.LogLook{}, errDown
	}
	last := int64(len(l.entries))
	return inventory.LogLook{Last: last, Top: last, Next: last + 1, Oldest: last + 1}, nil
}

func (l *tail) Before(context.Context, time.Duration) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errDown
	}
	return 0, nil
}

func (l *tail) News(_ context.Context, spans []inventory.LogSpan, limit int, _ bool) (inventory.LogNews, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var news inventory.LogNews
	for _, span := range spans {
		if room := int64(limit - news.Entries); span.Through-span.From >= room {
			news.Missing = append(news.Missing, inventory.LogSpan{From: span.From + room, Through: span.Through})
			span.Through = span.From + room - 1
		}
		news.Levels = append(news.Levels, l.entries[span.From-1:span.Through]...)
		news.Entries = len(news.Levels)
		news.Reached = span.Through
	}
	return news, nil
}

func (l *tail) StoredReservations(context.Context, []string) ([]inventory.Reservation, error) {
	return nil, nil
}

func TestNobodyCostsALookASecond(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, _ *world, log *tail, _ *bytes.Buffer) {
		time.Sleep(100 * time.Second)
		assert.InDelta(t, 100, log.lookCount(), 2)
	})
}

func TestTheFirstSubscriberWakesTheReader(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, w *world, log *tail, _ *bytes.Buffer) {
		time.Sleep(10*time.Second + 100*time.Millisecond)
		values := w.subscribe("A")
		next(t, values)
		log.commit("A")
		time.Sleep(50 * time.Millisecond)
		require.EqualValues(t, 2, next(t, values).Version())
	})
}

func TestTheLogIsLookedAtMoreOftenWhereThereAreChanges(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, w *world, log *tail, _ *bytes.Buffer) {
		values := w.subscribe("A")
		next(t, values)
		time.Sleep(10 * time.Second)
		before := log.lookCount()
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 200, log.lookCount()-before, 2)

		before = log.lookCount()
		for range 100 {
			log.commit("A")
			time.Sleep(100 * time.Millisecond)
			next(t, values)
		}
		assert.InDelta(t, 1000, log.lookCount()-before, 10)
	})
}

func TestAFailureOfTheReaderIsLoggedOnceAndNothingIsMissed(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, w *world, log *tail, out *bytes.Buffer) {
		values := w.subscribe("A")
		next(t, values)
		time.Sleep(time.Second)
		log.setDown(true)
		before := log.lookCount()
		log.commit("A")
		time.Sleep(time.Minute)
		requireNothing(t, values)
		assert.Less(t, log.lookCount()-before, 70)
		assert.Equal(t, 1, strings.Count(out.String(), errDown.Error()), out)

		log.setDown(false)
		time.Sleep(time.Second)
		require.EqualValues(t, 2, next(t, values).Version())
		assert.Equal(t, 2, strings.Count(out.String(), "\n"), out)
	})
}

func TestABacklogIsReadInParts(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, w *world, log *tail, _ *bytes.Buffer) {
		values := w.subscribe("A")
		next(t, values)
		log.setDown(true)
		for range 25_000 {
			log.commit("A")
		}
		log.setDown(false)
		time.Sleep(time.Second)
		require.EqualValues(t, 25_001, next(t, values).Version())
	})
}

func TestFollowersAreToldHowFarTheLogIsSettled(t *testing.T) {
	inTailedWorld(t, func(t *testing.T, w *world, log *tail, _ *bytes.Buffer) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		done := int64(0)
		values := feed.Follow(ctx, w.Feed, func(_ context.Context, through int64) ([]int64, error) {
			if done == through {
				return nil, nil
			}
			done = through
			return []int64{through}, nil
		})
		log.commit("A")
		log.commit("A")
		synctest.Wait()
		require.EqualValues(t, 2, *<-values)
		log.commit("A")
		require.EqualValues(t, 3, *<-values)
	})
}

func TestWhatWasThereAtTheStartIsNoNews(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		entries := 0
		log := &tail{world: w}
		w.Feed = feed.New(w, log, feed.Options{
			Log:     slog.New(slog.DiscardHandler),
			Observe: func(look feed.Look) { entries += look.Entries }, // read once the reader rests
		})
		w.add("A", "default")
		log.commit("A")
		log.commit("A")
		values := w.subscribe("A") // who makes the first look read
		next(t, values)
		w.Start()
		defer w.Stop(context.Background())
		time.Sleep(time.Second)
		log.commit("A")
		time.Sleep(time.Second)
		require.EqualValues(t, 4, next(t, values).Version())
		require.Equal(t, 1, entries)
	})
}
