package repo_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// Each list against a model that looks at every row: random rows, every filter
// alone and in pairs, in pages of a random size.

func TestReservationFiltersAgreeWithALookAtEveryRow(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	l.fillReservations(400)
	all := everyPage(l, l.reservations(nil))
	require.Len(t, all, 400)

	type filter = repo.ReservationFilter
	options := []func(*filter) func(inventory.Reservation) bool{
		func(f *filter) func(inventory.Reservation) bool {
			f.Status = new(oneFrom(l, inventory.Statuses))
			return func(r inventory.Reservation) bool { return r.Status == *f.Status }
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.SKU = new(l.sku())
			return func(r inventory.Reservation) bool {
				return slices.ContainsFunc(r.Lines, func(line inventory.Line) bool { return line.SKU == *f.SKU })
			}
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.Holder = new(fmt.Sprint("holder ", l.random.IntN(5)))
			return func(r inventory.Reservation) bool { return r.Holder != nil && *r.Holder == *f.Holder }
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.Reference = new(fmt.Sprint("order ", l.random.IntN(20)))
			return func(r inventory.Reservation) bool { return r.Reference != nil && *r.Reference == *f.Reference }
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.CreatedAfter = new(oneFrom(l, all).CreatedAt)
			return func(r inventory.Reservation) bool { return !r.CreatedAt.Before(*f.CreatedAfter) }
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.CreatedBefore = new(oneFrom(l, all).CreatedAt)
			return func(r inventory.Reservation) bool { return r.CreatedAt.Before(*f.CreatedBefore) }
		},
		func(f *filter) func(inventory.Reservation) bool {
			f.ExpiresBefore = new(oneFrom(l, all).CreatedAt.Add(time.Duration(l.random.Int64N(int64(time.Hour)))))
			return func(r inventory.Reservation) bool { return r.ExpiresAt != nil && r.ExpiresAt.Before(*f.ExpiresBefore) }
		},
	}
	for range 3 {
		eachPair(options, func(first, second func(*filter) func(inventory.Reservation) bool) {
			var f filter
			a, b := first(&f), second(&f)
			want := where(all, func(r inventory.Reservation) bool { return a(r) && b(r) })
			require.Equal(t, want, everyPage(l, l.reservations(&f)), "%+v", f)
		})
	}
}

func TestAuditLogFiltersAgreeWithALookAtEveryEntry(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	l.fillAuditLog(600)
	all := everyPage(l, l.entries(inventory.OldestFirst, nil))
	require.Len(t, all, 600)
	require.True(t, slices.IsSortedFunc(all, func(a, b inventory.LoggedEntry) int { return cmp.Compare(a.Position, b.Position) }))
	require.False(t, slices.IsSortedFunc(all, func(a, b inventory.LoggedEntry) int { return a.At.Compare(b.At) }))

	type entry = inventory.LoggedEntry
	type filter = repo.AuditEntryFilter
	options := []func(*filter) func(entry) bool{
		func(f *filter) func(entry) bool {
			f.SKU = new(l.sku())
			return func(e entry) bool { return e.SKU != nil && *e.SKU == *f.SKU }
		},
		func(f *filter) func(entry) bool {
			f.Location = new(oneFrom(l, []string{"default", "annex"}))
			return func(e entry) bool { return e.Location != nil && *e.Location == *f.Location }
		},
		func(f *filter) func(entry) bool {
			f.ReservationID = cmp.Or(oneFrom(l, all).ReservationID, new(uuid.NewString()))
			return func(e entry) bool { return e.ReservationID != nil && *e.ReservationID == *f.ReservationID }
		},
		func(f *filter) func(entry) bool {
			f.Action = new(oneFrom(l, inventory.Actions))
			return func(e entry) bool { return e.Action == *f.Action }
		},
		func(f *filter) func(entry) bool {
			f.Since = new(oneFrom(l, all).At)
			return func(e entry) bool { return !e.At.Before(*f.Since) }
		},
		func(f *filter) func(entry) bool {
			f.Until = new(oneFrom(l, all).At)
			return func(e entry) bool { return e.At.Before(*f.Until) }
		},
	}
	for range 3 {
		for _, order := range inventory.AuditOrders {
			eachPair(options, func(first, second func(*filter) func(entry) bool) {
				var f filter
				a, b := first(&f), second(&f)
				want := where(all, func(e entry) bool { return a(e) && b(e) })
				if order == inventory.NewestFirst {
					slices.Reverse(want)
				}
				require.Equal(t, want, everyPage(l, l.entries(order, &f)), "%s %+v", order, f)
			})
		}
	}
}

func TestSKUFiltersAgreeWithALookAtEverySKU(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	available := l.fillSKUs(1500) // more than a search looks at in order
	all := everyPage(l, l.skus(nil))
	require.Len(t, all, 1500)
	require.True(t, slices.IsSortedFunc(all, func(a, b inventory.SKU) int { return cmp.Compare(a.Code, b.Code) }))

	for range 60 {
		var f repo.SKUFilter
		if l.random.IntN(3) > 0 {
			f.Search = new(oneFrom(l, []string{"chair", "CHA", "it's", "äpf", "ÄPFEL", "1.5", "l", "stuhl-rot", "rot a/1", "a_2", "Chair x", "99", "zzz", "r' & !x:* |"}))
		}
		if l.random.IntN(3) > 0 {
			f.BelowAvailable = new(oneFrom(l, []int64{1, 2, 3, 6, 19, 100, 150, 3000, inventory.CounterMax}))
		}
		want := where(all, func(s inventory.SKU) bool {
			return (f.Search == nil || matches(s, *f.Search)) && (f.BelowAvailable == nil || available[s.Code] < *f.BelowAvailable)
		})
		require.Equal(t, want, everyPage(l, l.skus(&f)), "%v below %v", deref(f.Search), deref(f.BelowAvailable))
	}
}

func TestSKUIsFoundByItsNewNameAndItsFirstStock(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	found := func(search string, below int64) bool {
		return len(everyPage(l, l.skus(&repo.SKUFilter{Search: &search, BelowAvailable: &below}))) == 1
	}
	done(t, l.repo, inventory.CreateSKU{SKU: "NEW", Name: "Lamp"})
	require.True(t, found("lamp", 1))
	done(t, l.repo, inventory.AdjustStock{ClientToken: "t", SKU: "NEW", Delta: 5, Reason: "FOUND"})
	require.False(t, found("lamp", 5))
	require.True(t, found("lamp", 6))
	hold(t, l.repo, "h", line("NEW", 1))
	require.True(t, found("lamp", 5))

	updated, err := l.repo.UpdateSKU(t.Context(), inventory.UpdateSKU{SKU: "NEW", Name: new("Torch")})
	require.NoError(t, err)
	require.Equal(t, "Torch", updated.SKU.Name)
	require.False(t, found("lamp", 5))
	require.True(t, found("torch", 5))
}

// Those without stock are looked at one by one, whatever is asked for.
func TestOnlySKUsWithoutAnyStockLevelCountAsUnstocked(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	createSKU(t, l.repo, "CREATED", 0)
	done(t, l.repo, inventory.ImportSKU{ClientToken: "i", SKU: "IMPORTED", Name: new("Lamp"), Total: new(int64(1))})
	done(t, l.repo, inventory.CreateSKU{SKU: "ADJUSTED", Name: "Lamp"})
	done(t, l.repo, inventory.AdjustStock{ClientToken: "a", SKU: "ADJUSTED", Delta: 1, Reason: "FOUND"})
	done(t, l.repo, inventory.CreateSKU{SKU: "EMPTY", Name: "Lamp"})
	var unstocked []string
	require.NoError(t, l.db.NewRaw("SELECT sku FROM skus WHERE NOT stocked").Scan(t.Context(), &unstocked))
	require.Equal(t, []string{"EMPTY"}, unstocked)
}

func TestBadListFilterIsRefused(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	for _, search := range []string{"", " ", "--", "a\nb", strings.Repeat("a", 256), strings.Repeat("a ", 11)} {
		_, err := l.repo.SKUs(t.Context(), repo.Page{First: 1}, &repo.SKUFilter{Search: &search})
		requireBadArgument(t, err, "filter", "search")
	}
	for _, below := range []int64{0, -1, 1 << 53} {
		_, err := l.repo.SKUs(t.Context(), repo.Page{First: 1}, &repo.SKUFilter{BelowAvailable: &below})
		requireBadArgument(t, err, "filter", "belowAvailable")
	}
	for field, f := range map[string]repo.AuditEntryFilter{
		"sku": {SKU: new("")}, "location": {Location: new("it's")}, "reservationId": {ReservationID: new("1")},
	} {
		_, err := l.repo.AuditLog(t.Context(), repo.Page{First: 1}, inventory.NewestFirst, &f)
		requireBadArgument(t, err, "filter", field)
	}
}

func TestPagesMeetEachEntryOnceWhileOthersAreWritten(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	l.fillAuditLog(30)
	for _, order := range inventory.AuditOrders {
		before := count(t, l.db, "SELECT count(*) FROM audit_log")
		seen := map[int64]int{}
		page := repo.Page{First: 7}
		for more := true; more; {
			list, err := l.repo.AuditLog(t.Context(), page, order, nil)
			require.NoError(t, err)
			for _, e := range list.Items {
				seen[e.Position]++
			}
			if more = list.More; more {
				page.After = new(list.Cursors[6])
				if len(seen) < before {
					l.fillAuditLog(2)
				}
			}
		}
		for position, times := range seen {
			require.Equal(t, 1, times, position)
		}
		require.GreaterOrEqual(t, len(seen), before, order)
	}
}

// A level is updated in its page, without touching an index, unless it crosses
// into another band.
func TestHoldsAreWrittenInPlace(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	createSKU(t, l.repo, "HOT", 999)
	for n := range 200 {
		hold(t, l.repo, fmt.Sprint(n), line("HOT", 1))
	}
	var updates, inPlace int
	require.Eventually(t, func() bool { // a session reports when it is idle
		require.NoError(t, l.db.QueryRowContext(t.Context(),
			"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'stock_levels'").Scan(&updates, &inPlace))
		return updates >= 200
	}, patience, patience/100)
	require.Equal(t, 200, updates)
	require.GreaterOrEqual(t, inPlace, 190) // a page that is full is left now and then
}

func TestBandsAreAsManyAsTheListOfSKUsKnows(t *testing.T) {
	t.Parallel()
	l := newLists(t)
	require.Equal(t, repo.Bands-1, count(t, l.db, "SELECT holdfast_band(?)", int64(inventory.CounterMax)))
	require.Zero(t, count(t, l.db, "SELECT holdfast_band(0)"))
}

// lists is a database to be filled at random.
type lists struct {
	*testing.T
	db     *bun.DB
	repo   *repo.Repo
	random *rand.Rand
}

func newLists(t *testing.T) *lists {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	db := pgtest.Open(t)
	return &lists{t, db, newRepo(t, db), rand.New(rand.NewPCG(seed, 0))}
}

func (l *lists) sku() string { return fmt.Sprint("SKU-", l.random.IntN(8)) }

func (l *lists) moment() time.Time {
	return millionBegan.Add(time.Duration(l.random.Int64N(int64(24 * time.Hour)))).Truncate(time.Microsecond)
}

// fillReservations adds some whose ids were minted up to a minute and a half
// before they were made.
func (l *lists) fillReservations(n int) {
	for i := range n {
		created := l.moment()
		id := uuid.New()
		minted := created.Add(-time.Duration(l.random.Int64N(int64(90 * time.Second))))
		binary.BigEndian.PutUint64(id[:8], uint64(minted.UnixMilli())<<16|7<<12|uint64(l.random.IntN(1<<12)))
		var holder, reference *string
		var expires *time.Time
		if l.random.IntN(2) == 0 {
			holder = new(fmt.Sprint("holder ", l.random.IntN(5)))
		}
		if l.random.IntN(2) == 0 {
			reference = new(fmt.Sprint("order ", l.random.IntN(20)))
		}
		if l.random.IntN(4) > 0 {
			expires = new(created.Add(time.Duration(1 + l.random.Int64N(int64(time.Hour)))))
		}
		execute(l, l.db, `INSERT INTO reservations (id, principal, client_token, status, revision, line_count, created_at, expires_at, holder, reference)
			VALUES (?, 'default', ?, ?, 1, 2, ?, ?, ?, ?)`, id.String(), fmt.Sprint(i), oneFrom(l, inventory.Statuses), created, expires, holder, reference)
		execute(l, l.db, `INSERT INTO reservation_lines VALUES (?0, ?1, 'annex', 1), (?0, ?1, 'default', 1), (?0, ?2, 'default', 1) ON CONFLICT DO NOTHING`,
			id.String(), l.sku(), l.sku())
	}
}

// fillAuditLog adds entries of moments up to 50 s before their turn, and leaves
// ids out.
func (l *lists) fillAuditLog(n int) {
	turn := millionBegan
	reservations := []*string{nil, new(uuid.NewString()), new(uuid.NewString()), new(uuid.NewString())}
	for range n {
		turn = turn.Add(time.Duration(l.random.Int64N(int64(20 * time.Second))))
		at := turn.Add(-time.Duration(l.random.Int64N(int64(50 * time.Second)))).Truncate(time.Microsecond)
		var sku, location *string
		if l.random.IntN(5) > 0 {
			sku, location = new(l.sku()), new(oneFrom(l, []string{"default", "default", "annex"}))
		}
		execute(l, l.db, `INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta, actor, command_id)
			VALUES (?, ?, ?, ?, ?, 0, 0, 0, 'default', gen_random_uuid())`, at, oneFrom(l, inventory.Actions), sku, location, oneFrom(l, reservations))
		if l.random.IntN(10) == 0 {
			execute(l, l.db, "SELECT nextval(pg_get_serial_sequence('audit_log', 'id')) FROM generate_series(1, ?)", 1+l.random.IntN(1000))
		}
	}
}

// fillSKUs adds SKUs, some without a stock level, and answers what is available.
func (l *lists) fillSKUs(n int) map[string]int64 {
	createLocations(l, l.db, "annex")
	available := map[string]int64{}
	var skus, levels []string
	for i := range n {
		code := fmt.Sprintf("%s_%d", oneFrom(l, []string{"A/1", "a-2", "ROT.1.5"}), i)
		name := oneFrom(l, []string{"Chair", "Stuhl rot", "Äpfel, 1.5 l", "it's (x)", "Big CHAIRS x99"})
		skus = append(skus, fmt.Sprintf("('%s', '%s', gen_random_uuid(), now())", code, strings.ReplaceAll(name, "'", "''")))
		for _, location := range []string{"default", "annex"} {
			if l.random.IntN(3) > 0 {
				total := oneFrom(l, []int64{0, 1, 2, 5, 18, 99, 2000, 5_000_000})
				reserved := l.random.Int64N(total + 1)
				available[code] += total - reserved
				levels = append(levels, fmt.Sprintf("('%s', '%s', %d, %d, 0, 1, now())", code, location, total, reserved))
			}
		}
	}
	execute(l, l.db, "INSERT INTO skus (sku, name, command_id, created_at) VALUES "+strings.Join(skus, ", "))
	execute(l, l.db, "INSERT INTO stock_levels (sku, location, total, reserved, allocated, version, updated_at) VALUES "+strings.Join(levels, ", "))
	return available
}

// matches says whether each word of the search begins a word of the SKU.
func matches(sku inventory.SKU, search string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	}
	for _, wanted := range words(search) {
		begins := func(word string) bool { return strings.HasPrefix(word, wanted) }
		if !slices.ContainsFunc(words(sku.Code+" "+sku.Name), begins) {
			return false
		}
	}
	return true
}

func (l *lists) reservations(f *repo.ReservationFilter) func(repo.Page) (repo.ReservationList, error) {
	return func(page repo.Page) (repo.ReservationList, error) { return l.repo.Reservations(l.Context(), page, f) }
}

func (l *lists) entries(order inventory.AuditOrder, f *repo.AuditEntryFilter) func(repo.Page) (repo.AuditList, error) {
	return func(page repo.Page) (repo.AuditList, error) { return l.repo.AuditLog(l.Context(), page, order, f) }
}

func (l *lists) skus(f *repo.SKUFilter) func(repo.Page) (repo.SKUList, error) {
	return func(page repo.Page) (repo.SKUList, error) { return l.repo.SKUs(l.Context(), page, f) }
}

// everyPage reads a list to its end, in pages of a random size.
func everyPage[T any](l *lists, read func(repo.Page) (repo.List[T], error)) []T {
	l.Helper()
	all := []T{}
	page := repo.Page{First: 1 + l.random.IntN(100)}
	for {
		list, err := read(page)
		require.NoError(l, err)
		info := list.PageInfo()
		require.Equal(l, page.After != nil, info.HasPreviousPage)
		for _, edge := range list.Edges() {
			all = append(all, edge.Node)
		}
		if !info.HasNextPage {
			return all
		}
		require.Len(l, list.Items, page.First)
		page.After = info.EndCursor
	}
}

func oneFrom[T any](l *lists, from []T) T { return from[l.random.IntN(len(from))] }

func where[T any](all []T, chosen func(T) bool) []T {
	some := []T{}
	for _, item := range all {
		if chosen(item) {
			some = append(some, item)
		}
	}
	return some
}

// eachPair is each alone, too: with itself.
func eachPair[T any](options []T, try func(a, b T)) {
	for i, a := range options {
		for _, b := range options[i:] {
			try(a, b)
		}
	}
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func TestMomentsAtTheEndsOfTimeBoundTheAuditLog(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 1)
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, filter := range []*repo.AuditEntryFilter{{Since: &first}, {Until: &last}} {
		list, err := r.AuditLog(t.Context(), repo.Page{First: 1}, inventory.NewestFirst, filter)
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
	}
}
