package repo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// Reads of stock that arrive together share a statement, and nothing else: each
// is answered as if it had been alone.

// sharing is a world whose reads of stock are counted, and can be made to wait.
type sharing struct {
	*faultWorld
	statements *statementCount
	observed   *observed
}

// statementCount is a query hook.
type statementCount struct {
	atomic.Int32
	before atomic.Pointer[func()]
	latest atomic.Pointer[string]
}

func (c *statementCount) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	if isStockRead(event.Query) {
		c.Add(1)
		c.latest.Store(&event.Query)
		if before := c.before.Load(); before != nil {
			(*before)()
		}
	}
	return ctx
}

func (*statementCount) AfterQuery(context.Context, *bun.QueryEvent) {}

func isStockRead(query string) bool {
	return strings.HasPrefix(query, "SET LOCAL") && strings.Contains(query, "FROM stock_levels WHERE sku =")
}

func newSharing(t *testing.T) *sharing {
	t.Helper()
	w := &sharing{newFaultWorld(t, inventory.Pessimistic), &statementCount{}, newObserved()}
	createLocations(t, w.db, "west", "moon")
	done(t, w.other, inventory.AdjustStock{ClientToken: "west", SKU: "B", Location: new("west"), Delta: 7, Reason: "RECEIVED"})
	done(t, w.other, inventory.CreateSKU{SKU: "NEW", Name: "New"})
	pool := openPool(t, w.proxy.url).WithQueryHook(w.statements)
	w.repo = newRepo(t, pool, func(options *repo.Options) {
		options.ObserveStock = func(queries int, _ time.Duration) { w.observed.add(1, "statements for ", queries) }
	})
	return w
}

type stockAnswer struct {
	stock []*inventory.Availability
	err   error
}

func (w *sharing) read(ctx context.Context, location *string, skus ...string) <-chan stockAnswer {
	answers := make(chan stockAnswer, 1)
	go func() {
		stock, err := w.repo.Availability(ctx, skus, location)
		answers <- stockAnswer{stock, err}
	}()
	return answers
}

// fillLanes has every statement that may run at once wait for release.
func (w *sharing) fillLanes() (release func()) {
	w.Helper()
	end := w.keepOpen("LOCK TABLE stock_levels IN ACCESS EXCLUSIVE MODE")
	var answers []<-chan stockAnswer
	for n := range repo.StockLanes {
		answers = append(answers, w.read(w.Context(), nil, "A"))
		w.waitUntilLocked(n + 1)
	}
	return func() {
		w.Helper()
		end("COMMIT")
		for _, answer := range answers {
			require.NoError(w, await(w, answer).err)
		}
	}
}

// waitUntilLocked waits until so many statements wait for the table.
func (w *sharing) waitUntilLocked(statements int) {
	w.Helper()
	require.Eventually(w, func() bool {
		return statements == count(w, w.db, `SELECT count(*) FROM pg_locks
			WHERE NOT granted AND relation = 'stock_levels'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	}, patience, time.Millisecond)
}

func (w *sharing) waitUntilQueued(queries int) {
	w.Helper()
	require.Eventually(w, func() bool { return w.repo.StockQueued() == queries }, patience, time.Millisecond)
}

func TestReadsThatArriveTogetherShareOneStatementWhateverTheyAskFor(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	release := w.fillLanes()
	before := w.statements.Load()
	const rounds = 20
	var all, west, empty, unknown, mixed, none []<-chan stockAnswer
	for range rounds {
		all = append(all, w.read(t.Context(), nil, "B", "GHOST", "NEW"))
		west = append(west, w.read(t.Context(), new("west"), "B", "A", "GHOST"))
		empty = append(empty, w.read(t.Context(), new("moon"), "B", "C"))
		unknown = append(unknown, w.read(t.Context(), new("mars"), "B"))
		mixed = append(mixed, w.read(t.Context(), new("default"), "C"))
		none = append(none, w.read(t.Context(), new("default")))
	}
	bySKU := make(chan map[string]*inventory.Availability, 1)
	go func() {
		stock, err := w.repo.AvailabilityBySKU(t.Context(), []string{"NEW", "GHOST", "A", "A"})
		assert.NoError(t, err)
		bySKU <- stock
	}()
	w.waitUntilQueued(6*rounds + 1)
	release()

	b := []inventory.StockLevel{level(t, w.db, "B", "default"), level(t, w.db, "B", "west")}
	for i := range rounds {
		told := await(t, all[i])
		require.NoError(t, told.err)
		require.Equal(t, b, told.stock[0].Locations)
		require.Nil(t, told.stock[1])
		require.Equal(t, []any{"NEW", 0}, []any{told.stock[2].SKU, len(told.stock[2].Locations)})

		told = await(t, west[i])
		require.NoError(t, told.err)
		require.Equal(t, b[1:], told.stock[0].Locations)
		require.Equal(t, "west", *told.stock[0].Location)
		require.Empty(t, told.stock[1].Locations)
		require.Nil(t, told.stock[2])

		told = await(t, empty[i])
		require.NoError(t, told.err)
		require.Empty(t, told.stock[0].Locations)
		require.Empty(t, told.stock[1].Locations)

		requireBadArgument(t, await(t, unknown[i]).err, "location")

		told = await(t, mixed[i])
		require.NoError(t, told.err)
		require.EqualValues(t, 10, told.stock[0].Available())

		told = await(t, none[i])
		require.NoError(t, told.err)
		require.Empty(t, told.stock)
	}
	stock := await(t, bySKU)
	require.Len(t, stock, 2)
	require.EqualValues(t, 10, stock["A"].Available())
	require.Empty(t, stock["NEW"].Locations)
	require.EqualValues(t, 1, w.statements.Load()-before)
	require.Equal(t, 1, w.observed.of(fmt.Sprint("statements for ", 6*rounds+1)))
}

func TestReadIsOneStatementAndAnEmptyOneIsNone(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	for _, c := range []struct {
		skus       []string
		location   *string
		statements int
	}{
		{nil, nil, 0}, {[]string{"A"}, nil, 1}, {[]string{"A", "B"}, new("west"), 1}, {[]string{"A", "A", "GHOST"}, nil, 1},
	} {
		before := w.statements.Load()
		_, err := w.repo.Availability(t.Context(), c.skus, c.location)
		require.NoError(t, err)
		require.EqualValues(t, c.statements, w.statements.Load()-before, "%v", c)
	}
	// What a page has is never divided, however much that is.
	skus := []string{"A"}
	for n := range 5000 {
		skus = append(skus, fmt.Sprint("S-", n))
	}
	before := w.statements.Load()
	stock, err := w.repo.AvailabilityBySKU(t.Context(), skus)
	require.NoError(t, err)
	require.Len(t, stock, 1)
	require.EqualValues(t, 1, w.statements.Load()-before)
}

func TestLevelsAreReadByTheirKeysThoughNothingIsKnownOfTheTables(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	execute(t, w.db, "INSERT INTO skus (sku, name, command_id, created_at) SELECT 'S-' || n, 'n', gen_random_uuid(), now() FROM generate_series(1, 20000) AS n")
	execute(t, w.db, "INSERT INTO stock_levels SELECT 'S-' || n, 'default', 1, 0, 0, 1, now() FROM generate_series(1, 20000) AS n")
	var skus []string
	for n := range 250 {
		skus = append(skus, fmt.Sprint("S-", 1+80*n))
	}
	for _, location := range []*string{nil, new("default")} {
		stock, err := w.repo.Availability(t.Context(), skus, location)
		require.NoError(t, err)
		require.EqualValues(t, 1, stock[249].Available())
		_, statement, _ := strings.Cut(*w.statements.latest.Load(), "SELECT")
		var plan []string
		require.NoError(t, w.db.NewRaw("EXPLAIN SELECT "+statement).Scan(t.Context(), &plan))
		require.NotContains(t, strings.Join(plan, "\n"), "Seq Scan on stock_levels")
	}
}

func TestReadIsNotAnsweredFromAStatementThatBeganBefore(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	reply := make(chan struct{})
	for range repo.StockLanes {
		ready := make(chan struct{})
		w.proxy.next(isStockRead, func(x *exchange) {
			x.send()
			answer := x.answer()
			close(ready)
			<-reply
			x.reply(answer)
		})
		early := w.read(t.Context(), nil, "A")
		await(t, ready)
		defer func() {
			told := await(t, early)
			require.NoError(t, told.err)
			require.EqualValues(t, 10, told.stock[0].Available())
		}()
	}
	// PostgreSQL has answered them; their callers don't know yet.
	hold(t, w.other, "t", line("A", 3))
	late := w.read(t.Context(), nil, "A")
	w.waitUntilQueued(1)
	close(reply)
	told := await(t, late)
	require.NoError(t, told.err)
	require.EqualValues(t, 7, told.stock[0].Available())
}

func TestSlowStatementHoldsUpNoOtherRead(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	proceed, began := make(chan struct{}), make(chan struct{})
	w.proxy.next(isStockRead, func(x *exchange) {
		close(began)
		<-proceed
		x.pass()
	})
	slow := w.read(t.Context(), nil, "A")
	await(t, began)
	for range 3 {
		require.NoError(t, await(t, w.read(t.Context(), nil, "A")).err)
	}
	close(proceed)
	require.NoError(t, await(t, slow).err)
}

func TestCallerThatLeavesASharedReadDisturbsNobody(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	release := w.fillLanes()
	leaves, leave := context.WithCancel(t.Context())
	hurried, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	gone, late, stays := w.read(leaves, nil, "A"), w.read(hurried, nil, "B"), w.read(t.Context(), nil, "C")
	require.ErrorIs(t, await(t, late).err, repo.ErrOverloaded)
	w.waitUntilQueued(2)
	leave()
	require.ErrorIs(t, await(t, gone).err, repo.ErrOverloaded)
	w.waitUntilQueued(1)

	// Then one that leaves while the statement is under way.
	release()
	require.NoError(t, await(t, stays).err)
	leaves, leave = context.WithCancel(t.Context())
	end := w.keepOpen("LOCK TABLE stock_levels IN ACCESS EXCLUSIVE MODE")
	gone = w.read(leaves, nil, "A")
	w.waitUntilLocked(1)
	stays = w.read(t.Context(), nil, "A")
	leave()
	require.ErrorIs(t, await(t, gone).err, repo.ErrOverloaded)
	end("COMMIT")
	require.NoError(t, await(t, stays).err)
}

func TestFailedStatementFailsThoseWhoSharedItAlone(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	release := w.fillLanes()
	var sharers []<-chan stockAnswer
	for range 10 {
		sharers = append(sharers, w.read(t.Context(), nil, "B"))
	}
	w.waitUntilQueued(len(sharers))
	w.proxy.next(isStockRead, (*exchange).hangUp)
	release() // those before it are answered
	for _, sharer := range sharers {
		require.ErrorIs(t, await(t, sharer).err, repo.ErrOverloaded)
	}
	require.NoError(t, await(t, w.read(t.Context(), nil, "B")).err)

	w.statements.before.Store(new(func() { panic("a bug") }))
	err := await(t, w.read(t.Context(), nil, "B")).err
	require.ErrorContains(t, err, "panicked")
	require.NotErrorIs(t, err, repo.ErrOverloaded)
	w.statements.before.Store(nil)
	require.NoError(t, await(t, w.read(t.Context(), nil, "B")).err)
}

func TestReadsBeyondTheRoomToWaitAreOverloadedAtOnce(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	release := w.fillLanes()
	var many []string
	for n := range 250 {
		many = append(many, fmt.Sprint("S-", n))
	}
	fitting := repo.StockQueueSKUs / len(many)
	var waiting []<-chan stockAnswer
	for range fitting {
		waiting = append(waiting, w.read(t.Context(), nil, many...))
	}
	w.waitUntilQueued(fitting)
	require.ErrorIs(t, await(t, w.read(t.Context(), nil, many...)).err, repo.ErrOverloaded)
	require.Equal(t, fitting, w.repo.StockQueued())
	release()
	for _, one := range waiting {
		require.NoError(t, await(t, one).err)
	}
}

// X and Y change together and in no other way, one version for each change, and
// many read them through two servers:
//
//  1. A read has every change that was answered before it began, and
//     everything that a read saw which was answered before.
//  2. It has no change that nobody had asked for when it was answered.
//  3. It has each change whole: X and Y are alike, and so are the parts that
//     queries of one location see.
func TestEveryAnsweredChangeIsInEachReadThatBeginsAfter(t *testing.T) {
	t.Parallel()
	w := newSharing(t)
	servers := []*repo.Repo{w.repo, newRepo(t, openPool(t, w.url).WithQueryHook(w.statements))}
	createSKU(t, w.other, "X", 1_000_000)
	createSKU(t, w.other, "Y", 1_000_000)
	const changes, writers, readers = 300, 6, 24
	var asked, answered, seen atomic.Int64 // changes; asked and seen count the level's creation
	var written, read atomic.Int64
	asked.Store(1)
	seen.Store(1)
	var callers sync.WaitGroup
	for writer := range writers {
		callers.Go(func() {
			strategy := inventory.Strategies[writer/2%2]
			server := servers[writer%2]
			change := func(command inventory.Command) *inventory.Reservation {
				asked.Add(1)
				outcome, err := server.Do(t.Context(), command, &strategy)
				if !assert.NoError(t, err) || !assert.Empty(t, outcome.Refused) {
					return nil
				}
				answered.Add(1)
				written.Add(1)
				return outcome.Reservation
			}
			for n := 0; written.Load() < changes && !t.Failed(); n++ {
				held := change(inventory.CreateHold{
					ClientToken: fmt.Sprint(writer, "/", n), Lines: []inventory.LineRequest{line("Y", 2), line("X", 2)},
				})
				if held != nil && n%2 == 0 {
					change(inventory.ReleaseHold{ReservationID: held.ID})
				}
			}
		})
	}
	for reader := range readers {
		callers.Go(func() {
			server := servers[reader%2]
			for written.Load() < changes && !t.Failed() {
				least := max(seen.Load(), 1+answered.Load())
				var stock []*inventory.Availability
				var err error
				switch reader / 2 % 3 {
				case 0:
					stock, err = server.Availability(t.Context(), []string{"X", "Y"}, nil)
				case 1:
					stock, err = server.Availability(t.Context(), []string{"Y", "A", "X"}, new("default"))
					stock = slices.Delete(stock, 1, 2)
				default:
					var bySKU map[string]*inventory.Availability
					bySKU, err = server.AvailabilityBySKU(t.Context(), []string{"X", "B", "Y"})
					stock = []*inventory.Availability{bySKU["X"], bySKU["Y"]}
				}
				most := asked.Load()
				if !assert.NoError(t, err) {
					return
				}
				read.Add(1)
				version := stock[0].Version()
				assert.GreaterOrEqual(t, version, least)
				assert.LessOrEqual(t, version, most)
				assert.Equal(t, version, stock[1].Version())
				assert.Equal(t, stock[0].Reserved(), stock[1].Reserved())
				for was := seen.Load(); was < version && !seen.CompareAndSwap(was, version); was = seen.Load() {
				}
			}
		})
	}
	callers.Wait()
	t.Logf("%d changes, %d reads, %d statements", written.Load(), read.Load(), w.statements.Load())
	assert.Less(t, int64(w.statements.Load()), read.Load(), "they share statements")
	requireSound(t, w.db)
}

var _ bun.QueryHook = (*statementCount)(nil)
