package repo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// follow begins behind the cursor.
func follow(t testing.TB, r *repo.Repo, after *string, skus ...string) *repo.Changes {
	t.Helper()
	changes, err := r.Changes(t.Context(), after, skus, 0)
	require.NoError(t, err)
	return changes
}

// readAll is the positions of all that is left up to through.
func readAll(t testing.TB, changes *repo.Changes, through int64) []int64 {
	t.Helper()
	var positions []int64
	for {
		page, err := changes.Next(t.Context(), through)
		require.NoError(t, err)
		if len(page) == 0 {
			return positions
		}
		for _, edge := range page {
			positions = append(positions, edge.Node.Position)
		}
	}
}

// cursorAt is the cursor of the entry with the position.
func cursorAt(t testing.TB, r *repo.Repo, position int64) *string {
	t.Helper()
	list, err := r.AuditLog(t.Context(), repo.Page{First: 100}, inventory.OldestFirst, nil)
	require.NoError(t, err)
	for _, edge := range list.Edges() {
		if edge.Node.Position == position {
			return &edge.Cursor
		}
	}
	require.FailNow(t, "there is no such entry")
	return nil
}

func TestChangesAreTheEntriesOfTheAuditLog(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 10)
	id := hold(t, r, "t", line("A", 1), line("B", 2)).ID
	done(t, r, inventory.ExtendHold{ReservationID: id, TTLSeconds: 7200})
	done(t, r, inventory.AdjustStock{ClientToken: "a", SKU: "A", Delta: 1, Reason: "FOUND", Reference: new("shelf")})
	list, err := r.AuditLog(t.Context(), repo.Page{First: 100}, inventory.OldestFirst, nil)
	require.NoError(t, err)
	want := list.Edges()[1:]
	for i := range want {
		want[i].Node.At = want[i].Node.At.UTC()
	}
	page, err := follow(t, r, cursorAt(t, r, 1)).Next(t.Context(), 100)
	require.NoError(t, err)
	require.Equal(t, want, page)
	assert.Equal(t, []int64{3, 6}, readAll(t, follow(t, r, cursorAt(t, r, 1), "A"), 100))
	assert.Equal(t, []int64{2, 4}, readAll(t, follow(t, r, cursorAt(t, r, 1), "B", "B"), 5))
}

func TestChangesGoOnOverPages(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 10)
	execute(t, db, `INSERT INTO audit_log (at, action, sku, location, total_delta, reserved_delta, allocated_delta, total, reserved, allocated, version, actor, command_id)
		SELECT now(), 'ADJUSTED', CASE WHEN i % 4000 = 0 THEN 'A' ELSE 'B' END, 'default', 1, 0, 0, 1, 0, 0, i + 1, 'default', gen_random_uuid()
		FROM generate_series(1, 12000) AS i`)
	begin := cursorAt(t, r, 2)
	assert.Len(t, readAll(t, follow(t, r, begin), 12_002), 12_000)
	assert.Equal(t, []int64{4002, 8002, 12_002}, readAll(t, follow(t, r, begin, "A"), 12_002))
	changes := follow(t, r, begin, "A")
	assert.Equal(t, []int64{4002}, readAll(t, changes, 8001))
	assert.Empty(t, readAll(t, changes, 8001))
	assert.Equal(t, []int64{8002}, readAll(t, changes, 12_001))
}

func TestChangesRefuseWhatBreaksARule(t *testing.T) {
	t.Parallel()
	r := newRepo(t, pgtest.Open(t))
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 10)
	many := strings.Split(strings.Repeat("A ", 250), " ")
	for name, c := range map[string]struct {
		after *string
		skus  []string
		field []string
	}{
		"no cursor":      {new("x"), nil, []string{"after"}},
		"another list's": {new("c2t1fEE"), nil, []string{"after"}},
		"no SKUs":        {nil, []string{}, []string{"skus"}},
		"too many SKUs":  {nil, many, []string{"skus"}},
		"not a SKU":      {nil, []string{"A", "not one"}, []string{"skus", "1"}},
		"unknown SKU":    {cursorAt(t, r, 1), []string{"A", "B", "ghost"}, []string{"skus", "2"}},
	} {
		_, err := r.Changes(t.Context(), c.after, c.skus, 0)
		var refused *inventory.Error
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, inventory.InvalidInput, refused.Code, name)
		assert.Equal(t, c.field, refused.Field, name)
	}
}

func TestACursorOlderThanWhatIsKeptIsToResync(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	var cursors []*string
	for n := range 6 {
		hold(t, r, fmt.Sprint(n), line("A", 1))
		cursors = append(cursors, cursorAt(t, r, int64(n+2)))
	}
	open := follow(t, r, cursors[0])
	_, err := open.Next(t.Context(), 3)
	require.NoError(t, err)
	// Entries 1 to 4.
	_, err = r.BeginTrim(now(t, db)).Log(t.Context(), 4)
	require.NoError(t, err)

	_, err = open.Next(t.Context(), 7)
	require.ErrorIs(t, err, repo.ErrResync)
	for n, cursor := range cursors {
		_, err := r.Changes(t.Context(), cursor, nil, 0)
		if position := n + 2; position < 4 {
			require.ErrorIs(t, err, repo.ErrResync, "position %d", position)
		} else {
			require.NoError(t, err, "position %d", position)
			assert.Len(t, readAll(t, follow(t, r, cursor), 7), 7-position)
		}
	}
	anew := follow(t, r, nil)
	require.NoError(t, r.Trim(t.Context(), time.Microsecond))
	assert.Empty(t, readAll(t, follow(t, r, cursors[5]), 7), "nothing behind the last was lost")
	_, err = anew.Next(t.Context(), 7)
	require.ErrorIs(t, err, repo.ErrResync)
	hold(t, r, "new", line("A", 1))
	assert.Equal(t, []int64{8}, readAll(t, follow(t, r, cursors[5]), 8))
}

// A reservation's last entries go with it, so that a later one may be gone where
// an earlier one is there.
func TestACursorBeforeAnyEntryThatWentIsToResync(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	createSKU(t, r, "B", 10)
	id := hold(t, r, "t", line("A", 1), line("B", 1)).ID
	done(t, r, inventory.ReleaseHold{ReservationID: id}) // entries 5 and 6
	hold(t, r, "u", line("A", 1))
	cursor := cursorAt(t, r, 5)
	_, err := r.BeginTrim(now(t, db)).Log(t.Context(), 5)
	require.NoError(t, err)
	_, err = r.Changes(t.Context(), cursor, nil, 0)
	require.ErrorIs(t, err, repo.ErrResync)
}

func TestACursorBeyondTheEndOfTheLogIsToResync(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := newRepo(t, db)
	createSKU(t, r, "A", 10)
	hold(t, r, "t", line("A", 1))
	cursor := cursorAt(t, r, 2)
	open := follow(t, r, cursor)
	execute(t, db, "DELETE FROM audit_log WHERE id = 2; SELECT setval('audit_log_id_seq', 1)")
	_, err := r.Changes(t.Context(), cursor, nil, 0)
	require.ErrorIs(t, err, repo.ErrResync)
	_, err = open.Next(t.Context(), 1)
	require.ErrorIs(t, err, repo.ErrResync)
}

// The look's next id is above that of a transaction that has drawn a place, even
// where none has ended since that began.
func TestALookKnowsOfTransactionsThatHaveNotEnded(t *testing.T) {
	t.Parallel()
	db := pgtest.NewCluster(t).Open()
	r := newRepo(t, db)
	var ids [3]int64
	for i := range ids {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func(tx bun.Tx) { _ = tx.Rollback() }(tx)
		require.NoError(t, tx.NewRaw("SELECT pg_current_xact_id()::text::bigint").Scan(t.Context(), &ids[i]))
		look, err := r.Look(t.Context())
		require.NoError(t, err)
		require.Greater(t, look.Next, ids[i])
		require.LessOrEqual(t, look.Oldest, ids[0])
	}
}
