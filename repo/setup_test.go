package repo_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/database"
	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds each wait of a test, so that a hang fails it.
const patience = 30 * time.Second

// limits are those of the configuration's defaults.
var limits = inventory.Limits{HoldTTL: 15 * time.Minute, HoldTTLMax: 24 * time.Hour, LinesMax: 100}

// newRepo returns a repository over db with the defaults of the configuration,
// but for what set changes. It is closed at t's end.
func newRepo(t testing.TB, db *bun.DB, set ...func(*repo.Options)) *repo.Repo {
	t.Helper()
	options := repo.Options{
		Limits:            limits,
		Strategy:          inventory.Pessimistic,
		OptimisticRetries: 3,
		LockTimeout:       30 * time.Second,
		RequestTimeout:    35 * time.Second,
		Log:               slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, change := range set {
		change(&options)
	}
	r := repo.New(db, options)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r.Close(ctx)
	})
	return r
}

// openPool returns a pool of a test's own on a database that pgtest.URL made,
// for where several servers share one. It is closed at t's end.
func openPool(t testing.TB, url string) *bun.DB {
	t.Helper()
	db, err := database.Open(url, 16)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// do runs a command by the repository's own strategy, and fails t on a fault.
func do(t testing.TB, r *repo.Repo, command inventory.Command) inventory.Outcome {
	t.Helper()
	outcome, err := r.Do(t.Context(), command, nil)
	require.NoError(t, err)
	return outcome
}

// done is do for a command that must not be refused.
func done(t testing.TB, r *repo.Repo, command inventory.Command) inventory.Outcome {
	t.Helper()
	outcome := do(t, r, command)
	require.Empty(t, outcome.Refused)
	return outcome
}

// createSKU adds a SKU with this much stock at the default location.
func createSKU(t testing.TB, r *repo.Repo, sku string, stock int64) {
	t.Helper()
	done(t, r, inventory.CreateSKU{SKU: sku, Name: sku, InitialStock: &stock})
}

// createLocations adds locations by SQL.
func createLocations(t testing.TB, db *bun.DB, codes ...string) {
	t.Helper()
	for _, code := range codes {
		execute(t, db, "INSERT INTO locations VALUES (?, ?, gen_random_uuid(), now())", code, code)
	}
}

// hold makes a hold of the lines, which must succeed.
func hold(t testing.TB, r *repo.Repo, token string, lines ...inventory.LineRequest) inventory.Reservation {
	t.Helper()
	return *done(t, r, inventory.CreateHold{ClientToken: token, Lines: lines}).Reservation
}

// line asks for units, at the location if there is one.
func line(sku string, quantity int32, location ...string) inventory.LineRequest {
	asked := inventory.LineRequest{SKU: sku, Quantity: quantity}
	if len(location) > 0 {
		asked.Location = &location[0]
	}
	return asked
}

// makeOverdue moves a hold's deadline, and with it its beginning, into the
// past.
func makeOverdue(t testing.TB, db *bun.DB, id string) {
	t.Helper()
	execute(t, db, `UPDATE reservations SET created_at = least(created_at, created_at - (expires_at - clock_timestamp()) - interval '1 second'),
		expires_at = clock_timestamp() - interval '1 second' WHERE id = ?`, id)
}

// execute runs a statement of the test's own.
func execute(t testing.TB, db *bun.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

// count answers the one number that a query selects.
func count(t testing.TB, db *bun.DB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// level reads one stock level; it must exist.
func level(t testing.TB, db *bun.DB, sku, location string) inventory.StockLevel {
	t.Helper()
	l := inventory.StockLevel{SKU: sku, Location: location}
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT total, reserved, allocated, version, updated_at FROM stock_levels WHERE sku = ? AND location = ?", sku, location).
		Scan(&l.Total, &l.Reserved, &l.Allocated, &l.Version, &l.UpdatedAt))
	l.UpdatedAt = l.UpdatedAt.UTC()
	return l
}
