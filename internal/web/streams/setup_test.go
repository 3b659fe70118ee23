package streams_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"holdfast/internal/feed"
	"holdfast/internal/inventory"
	"holdfast/internal/requestlog"
	"holdfast/internal/web"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
	"holdfast/resolvers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds each wait of a test, so that a hang fails it.
const patience = 30 * time.Second

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a server over a stock that is made up, and its clients.
type world struct {
	*feed.Feed
	t       *testing.T
	streams *streams.Streams
	handler http.Handler
	url     string
	client  *http.Client
	seen    *observer
	// responses counts the events that were worked out.
	responses atomic.Int64
	log       logged

	mu           sync.Mutex
	levels       map[string][]inventory.StockLevel
	reservations map[string]inventory.Reservation
	reads        []context.Context
	err          error
	// afterRead, if it isn't nil, runs between a read and its answer.
	afterRead func()
}

// setting is what a test changes about its world.
type setting struct {
	streams.Options
	streams.Timing
	extensions []graphql.HandlerExtension
	// around is put around the server, if it isn't nil.
	around func(http.Handler) http.Handler
}

// newWorld starts a server until t ends. It fails if that leaves anything
// behind.
func newWorld(t *testing.T, changes ...func(*setting)) *world {
	t.Helper()
	w := &world{
		t: t, seen: newObserver(), levels: map[string][]inventory.StockLevel{},
		reservations: map[string]inventory.Reservation{},
	}
	w.Feed = feed.New(w, nil, feed.Options{Log: slog.New(slog.DiscardHandler)})
	set := setting{Options: streams.Options{
		SubscriptionsMax: 50, WatchedSKUsMax: 2500, ConnectionsMax: 1000, RequestTimeout: patience,
		MessageBytesMax: limits.Default().BodyBytes, Observer: w.seen, Log: slog.New(requestlog.Handler(slog.NewTextHandler(&w.log, nil), nil)),
	}}
	set.Timing.DrainSpread = time.Millisecond
	set.extensions = []graphql.HandlerExtension{counter{&w.responses}}
	for _, change := range changes {
		change(&set)
	}
	w.streams = streams.NewTimed(set.Options, set.Timing)
	w.handler = web.GraphQL(&resolvers.Root{Feed: w.Feed}, w.streams, limits.Default(), set.Log, set.extensions...)
	if set.around != nil {
		w.handler = set.around(w.handler)
	}
	server := httptest.NewServer(requestlog.HTTP{Log: set.Log}.Around(w.handler))
	w.url = server.URL
	w.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w.streams.Drain(ctx)
		server.Close()
		w.requireNobody()
	})
	return w
}

// requireNobody says that all have left, and that nothing is done for them.
func (w *world) requireNobody() {
	w.t.Helper()
	w.eventually(func(c *assert.CollectT) {
		assert.Zero(c, w.streams.Clients())
		assert.Zero(c, w.streams.Executions())
		assert.Zero(c, w.underWay())
		assert.Empty(c, w.seen.present())
	})
}

// eventually waits for what has no signal.
func (w *world) eventually(check func(*assert.CollectT)) {
	w.t.Helper()
	require.EventuallyWithT(w.t, check, patience, time.Millisecond)
}

// underWay counts the reads whose subscription has not ended.
func (w *world) underWay() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var count int
	for _, ctx := range w.reads {
		if ctx.Err() == nil {
			count++
		}
	}
	return count
}

func (w *world) readCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.reads)
}

// Availability implements feed.Stock.
func (w *world) Availability(ctx context.Context, skus []string, location *string) ([]*inventory.Availability, error) {
	w.mu.Lock()
	w.reads = append(w.reads, ctx)
	answer := make([]*inventory.Availability, len(skus))
	for i, sku := range skus {
		if levels, known := w.levels[sku]; known {
			kept := slices.DeleteFunc(slices.Clone(levels), func(l inventory.StockLevel) bool {
				return location != nil && l.Location != *location
			})
			answer[i] = &inventory.Availability{SKU: sku, Location: location, Locations: kept, CreatedAt: noon}
		}
	}
	err, afterRead := w.err, w.afterRead
	w.mu.Unlock()
	if afterRead != nil {
		afterRead()
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// ReservationByID implements feed.Stock.
func (w *world) ReservationByID(ctx context.Context, id string) (*inventory.Reservation, error) {
	w.mu.Lock()
	w.reads = append(w.reads, ctx)
	var answer *inventory.Reservation
	if r, known := w.reservations[strings.ToLower(id)]; known {
		answer = &r
	}
	err, afterRead := w.err, w.afterRead
	w.mu.Unlock()
	if afterRead != nil {
		afterRead()
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// fail has reads fail from now on; nil: succeed again.
func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// hold has each read from now on wait between the stock and its answer. Each
// is told of in reading; let goes on with all of them, and with those to come
// that nobody else holds.
func (w *world) hold() (reading <-chan struct{}, let func()) {
	begun, go_ := make(chan struct{}, 1000), make(chan struct{})
	w.setAfterRead(func() {
		begun <- struct{}{}
		<-go_
	})
	return begun, sync.OnceFunc(func() { close(go_) })
}

func (w *world) setAfterRead(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.afterRead = f
}

// add makes SKUs known, with a level of version 1 at the default location.
func (w *world) add(skus ...string) {
	for _, sku := range skus {
		w.commit(sku, inventory.DefaultLocation)
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
		w.levels[sku] = slices.Insert(w.levels[sku], at, inventory.StockLevel{SKU: sku, Location: location})
	}
	level := &w.levels[sku][at]
	level.Version++
	level.Total = 1000 + level.Version
	level.UpdatedAt = noon.Add(time.Duration(level.Version) * time.Second)
	return *level
}

// change commits a change and announces it.
func (w *world) change(sku string) int64 {
	after := w.commit(sku, inventory.DefaultLocation)
	w.announce(after)
	return after.Version
}

func (w *world) announce(levels ...inventory.StockLevel) {
	var changes inventory.Changes
	for _, after := range levels {
		changes.Levels = append(changes.Levels, inventory.LevelChange{After: after, VersionBefore: after.Version - 1})
	}
	w.Announce(changes)
}

const holdID = "0195f1a0-0000-7000-8000-00000000000a"

// move commits what the reservation has become, and announces it.
func (w *world) move(status inventory.Status) {
	w.Announce(inventory.Changes{Moved: []inventory.ReservationMove{{After: w.commitMove(status)}}})
}

func (w *world) commitMove(status inventory.Status) inventory.Reservation {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reservations[holdID] = inventory.Reservation{
		ID: holdID, Principal: "default", Status: status, ClientToken: "cart",
		Revision: w.reservations[holdID].Revision + 1, CreatedAt: noon,
	}
	return w.reservations[holdID]
}

// counter counts responses that have data.
type counter struct{ responses *atomic.Int64 }

func (counter) ExtensionName() string                   { return "Counter" }
func (counter) Validate(graphql.ExecutableSchema) error { return nil }
func (c counter) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil && response.Data != nil {
		c.responses.Add(1)
	}
	return response
}

// observer counts what it is told.
type observer struct {
	cut, refused chan string

	mu        sync.Mutex
	gauges    map[string]int
	sent      int
	coalesced int
}

func newObserver() *observer {
	return &observer{cut: make(chan string, 1000), refused: make(chan string, 1000), gauges: map[string]int{}}
}

func (o *observer) Connected(transport string)    { o.count(transport, 1) }
func (o *observer) Disconnected(transport string) { o.count(transport, -1) }
func (o *observer) Subscribed(field string)       { o.count(field, 1) }
func (o *observer) Unsubscribed(field string)     { o.count(field, -1) }
func (o *observer) Cut(reason string)             { o.cut <- reason }
func (o *observer) Refused(reason string)         { o.refused <- reason }

func (o *observer) Sent(string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent++
}

func (o *observer) Coalesced(string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.coalesced++
}

func (o *observer) coalescedCount() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.coalesced
}

func (o *observer) count(name string, change int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gauges[name] += change; o.gauges[name] == 0 {
		delete(o.gauges, name)
	}
}

// present are the gauges that aren't zero.
func (o *observer) present() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	present := map[string]int{}
	for name, count := range o.gauges {
		present[name] = count
	}
	return present
}

// logged is what the server has logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
