package resolvers_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/internal/web"
	"holdfast/internal/web/limits"
	"holdfast/internal/web/streams"
	"holdfast/repo"
	"holdfast/resolvers"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// wait is long enough for all items of a page to ask, however busy the machine.
const wait = 100 * time.Millisecond

// attempts is how often a page is asked for, in case it wasn't.
const attempts = 5

func TestNestedFieldsCostTheSameWhateverThePage(t *testing.T) {
	t.Parallel()
	s := newShop(t, 100)
	for _, c := range []struct {
		statements int
		query      string
	}{
		{2, `{ skus(first: %d) { edges { node { availability { available locations { location } } } } } }`},
		{3, `{ reservations(first: %d) { edges { node { lines { product { name availability { available } } } } } } }`},
		{2, `{ auditLog(first: %d, filter: {action: HELD}) { edges { node { product { name } } } } }`},
		{5, `{ auditLog(first: %d, filter: {action: HELD}) { edges { node {
			reservation { lines { product { availability { available } } } } product { name } } } } }`},
		{6, `{ auditLog(first: %d, filter: {action: HELD}) { edges { node {
			reservation { lines { product { availability { available } } } } product { availability { available } } } } } }`},
	} {
		for _, first := range []int{1, 20, 100} {
			fewest := 1000
			for range attempts {
				before := s.statements.Load()
				s.query(fmt.Sprintf(c.query, first))
				fewest = min(fewest, int(s.statements.Load()-before))
				if fewest <= c.statements {
					break
				}
			}
			assert.LessOrEqual(t, fewest, c.statements, "%d of %s", first, c.query)
		}
	}
}

func TestNestedFieldsAreThoseOfTheirItem(t *testing.T) {
	t.Parallel()
	s := newShop(t, 3)
	require.JSONEq(t, `{"data": {"skus": {"edges": [
		{"node": {"sku": "SKU-000", "availability": {"sku": "SKU-000", "available": 9}}},
		{"node": {"sku": "SKU-001", "availability": {"sku": "SKU-001", "available": 9}}},
		{"node": {"sku": "SKU-002", "availability": {"sku": "SKU-002", "available": 9}}}]}}}`,
		s.query(`{ skus { edges { node { sku availability { sku available } } } } }`))
	require.JSONEq(t, `{"data": {"reservations": {"edges": [
		{"node": {"clientToken": "hold 2", "lines": [{"sku": "SKU-002", "product": {"sku": "SKU-002"}}]}},
		{"node": {"clientToken": "hold 1", "lines": [{"sku": "SKU-001", "product": {"sku": "SKU-001"}}]}},
		{"node": {"clientToken": "hold 0", "lines": [{"sku": "SKU-000", "product": {"sku": "SKU-000"}}]}}]}}}`,
		s.query(`{ reservations { edges { node { clientToken lines { sku product { sku } } } } } }`))
	require.JSONEq(t, `{"data": {"auditLog": {"edges": [
		{"node": {"action": "CREATED", "sku": "SKU-000", "product": {"name": "SKU-000"}, "reservation": null}},
		{"node": {"action": "HELD", "sku": "SKU-000", "product": {"name": "SKU-000"}, "reservation": {"clientToken": "hold 0"}}}]}}}`,
		s.query(`{ auditLog(order: OLDEST_FIRST, filter: {sku: "SKU-000"}) { edges { node { action sku product { name } reservation { clientToken } } } } }`))

	_, err := s.db.ExecContext(t.Context(), "DELETE FROM skus WHERE sku = 'SKU-000'; UPDATE reservations SET principal = 'somebody'")
	require.NoError(t, err)
	require.JSONEq(t, `{"data": {"auditLog": {"edges": [{"node": {"product": null, "reservation": null}}]}}}`,
		s.query(`{ auditLog(filter: {sku: "SKU-000", action: HELD}) { edges { node { product { name } reservation { id } } } } }`))
}

func TestFieldsAfterAMutationAreReadAnew(t *testing.T) {
	t.Parallel()
	s := newShop(t, 1)
	hold := func(alias string) string {
		return alias + `: createHold(input: {clientToken: "` + alias + `", lines: [{sku: "SKU-000", quantity: 2}]})
			{ reservation { lines { product { availability { available } } } } } `
	}
	after := func(available int) string {
		return fmt.Sprintf(`{"reservation": {"lines": [{"product": {"availability": {"available": %d}}}]}}`, available)
	}
	require.JSONEq(t, `{"data": {"a": `+after(7)+`, "b": `+after(5)+`, "c": `+after(3)+`}}`,
		s.query("mutation { "+hold("a")+hold("b")+hold("c")+"}"))
}

// shop is a server with so many SKUs of 10 units, and a hold on each of them.
type shop struct {
	*testing.T
	db         *bun.DB
	url        string
	statements atomic.Int64
}

func newShop(t *testing.T, skus int) *shop {
	t.Helper()
	s := &shop{T: t, db: pgtest.Open(t)}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	store := repo.New(s.db.WithQueryHook(s), repo.Options{
		Limits:      inventory.Limits{HoldTTL: time.Minute, HoldTTLMax: time.Hour, LinesMax: 100},
		Strategy:    inventory.Pessimistic,
		LockTimeout: 30 * time.Second, RequestTimeout: 35 * time.Second, Log: log,
	})
	server := httptest.NewServer(web.GraphQL(&resolvers.Root{Repo: store}, streams.New(streams.Options{}), limits.Default(), log, resolvers.Loaders{Repo: store, Wait: wait}))
	s.url = server.URL
	t.Cleanup(func() {
		server.Close()
		store.Close(context.Background())
	})
	for n := range skus {
		sku := fmt.Sprintf("SKU-%03d", n)
		for _, command := range []inventory.Command{
			inventory.CreateSKU{SKU: sku, Name: sku, InitialStock: new(int64(10))},
			inventory.CreateHold{ClientToken: fmt.Sprint("hold ", n), Lines: []inventory.LineRequest{{SKU: sku, Quantity: 1}}},
		} {
			outcome, err := store.Do(t.Context(), command, nil)
			require.NoError(t, err)
			require.Empty(t, outcome.Refused)
		}
	}
	return s
}

// BeforeQuery implements bun.QueryHook.
func (s *shop) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	s.statements.Add(1)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (s *shop) AfterQuery(context.Context, *bun.QueryEvent) {}

// query sends an operation and returns the answer as it came.
func (s *shop) query(text string) string {
	s.Helper()
	request := strings.NewReader(fmt.Sprintf(`{"query": %q}`, text))
	response, err := http.Post(s.url, "application/json", request)
	require.NoError(s, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s, err)
	return string(answer)
}
