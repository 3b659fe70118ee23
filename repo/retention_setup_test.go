package repo_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// kept is all that retention may touch, as it is at a moment.
type kept struct {
	levels       map[inventory.LevelKey]inventory.StockLevel
	reservations map[string]keptReservation
	// entries are in the order of their ids.
	entries []keptEntry
	// tokens are by their keys.
	tokens map[string]bool
	// base is what the base snapshot has, since its horizon.
	base    map[inventory.LevelKey]inventory.StockLevel
	horizon time.Time
}

type keptReservation struct {
	ID     string
	Status inventory.Status
	Token  string
	Lines  int
}

type keptEntry struct {
	ID                                  int64
	At                                  time.Time
	Action                              inventory.Action
	SKU, Location, ReservationID, Token string
	Total, Reserved, Allocated, Version int64
}

func (e keptEntry) key() inventory.LevelKey {
	return inventory.LevelKey{SKU: e.SKU, Location: e.Location}
}

func (e keptEntry) level() inventory.StockLevel {
	return inventory.StockLevel{SKU: e.SKU, Location: e.Location, Total: e.Total, Reserved: e.Reserved, Allocated: e.Allocated, Version: e.Version}
}

// endsReservation says that it is by such an entry that a reservation ends.
func (e keptEntry) endsReservation() bool {
	return slices.Contains([]inventory.Action{
		inventory.ActionReleased, inventory.ActionExpired, inventory.ActionFulfilled, inventory.ActionCancelled,
	}, e.Action)
}

func readKept(t testing.TB, db *bun.DB) kept {
	t.Helper()
	k := kept{reservations: map[string]keptReservation{}, tokens: map[string]bool{}}
	scan := func(dest any, query string) {
		t.Helper()
		require.NoError(t, db.NewRaw(query).Scan(t.Context(), dest))
	}
	levels := func(query string) map[inventory.LevelKey]inventory.StockLevel {
		t.Helper()
		var rows []inventory.StockLevel
		scan(&rows, query)
		byKey := map[inventory.LevelKey]inventory.StockLevel{}
		for _, row := range rows {
			byKey[row.Key()] = row
		}
		return byKey
	}
	k.levels = levels("SELECT sku, location, total, reserved, allocated, version, updated_at FROM stock_levels")
	k.base = levels(`SELECT sku, location, total, reserved, allocated, version FROM snapshot_levels
		WHERE snapshot_id = (SELECT id FROM snapshots WHERE is_base)`)
	scan(&k.horizon, "SELECT coalesce(max(taken_at), 'epoch') FROM snapshots WHERE is_base")
	var reservations []keptReservation
	scan(&reservations, `SELECT id, status, holdfast_token_key(principal, client_token) AS token,
		(SELECT count(*) FROM reservation_lines WHERE reservation_id = id) AS lines FROM reservations`)
	for _, r := range reservations {
		k.reservations[r.ID] = r
	}
	var tokens []string
	scan(&tokens, "SELECT key FROM client_tokens")
	for _, key := range tokens {
		k.tokens[key] = true
	}
	scan(&k.entries, `SELECT id, at, action, coalesce(sku, '') AS sku, coalesce(location, '') AS location,
		coalesce(reservation_id::text, '') AS reservation_id, coalesce(token_key::text, '') AS token, coalesce(total, 0) AS total,
		coalesce(reserved, 0) AS reserved, coalesce(allocated, 0) AS allocated, coalesce(version, 0) AS version FROM audit_log ORDER BY id`)
	return k
}

// requireTrimmed says that what went between two moments, with no command in
// between, is what had to go: nothing of the cut-off or younger, along each
// level its first entries, and of what ended all or nothing.
func requireTrimmed(t testing.TB, before, after kept, cutoff time.Time) {
	t.Helper()
	require.Equal(t, before.levels, after.levels)

	stays := map[int64]bool{}
	for _, e := range after.entries {
		stays[e.ID] = true
	}
	base, horizon, ended := before.base, before.horizon, map[string]bool{}
	tokens := before.tokens
	for _, e := range before.entries {
		if stays[e.ID] {
			continue
		}
		require.True(t, e.At.Before(cutoff), "%+v went, the cut-off is %s", e, cutoff)
		if e.Version > 0 {
			require.Equal(t, base[e.key()].Version+1, e.Version, "%+v went before its predecessor", e)
			base[e.key()] = e.level()
		}
		if e.At.After(horizon) {
			horizon = e.At
		}
		ended[e.ReservationID] = ended[e.ReservationID] || e.endsReservation()
		delete(tokens, e.Token)
	}
	require.Equal(t, base, after.base)
	require.Equal(t, horizon.UTC(), after.horizon.UTC())

	reservations := before.reservations
	for id := range ended {
		if r, ok := reservations[id]; ok && ended[id] {
			delete(tokens, r.Token)
			delete(reservations, id)
		}
	}
	require.Equal(t, reservations, after.reservations)
	require.Equal(t, tokens, after.tokens)
	for _, e := range after.entries {
		require.False(t, ended[e.ReservationID] && e.ReservationID != "", "left behind: %+v", e)
	}
}

// now is the database's time.
func now(t testing.TB, db *bun.DB) time.Time {
	t.Helper()
	var at time.Time
	require.NoError(t, db.NewRaw("SELECT clock_timestamp()").Scan(t.Context(), &at))
	return at
}

// trimAll trims the log of what is older than the cut-off, a few entries a step,
// and says after each that everything is as it should be.
func trimAll(t testing.TB, db *bun.DB, r *repo.Repo, cutoff time.Time, limit int) {
	t.Helper()
	trimming := r.BeginTrim(cutoff)
	for more := true; more; {
		before := readKept(t, db)
		var err error
		more, err = trimming.Log(t.Context(), limit)
		require.NoError(t, err)
		requireTrimmed(t, before, readKept(t, db), cutoff)
		requireSound(t, db)
		requireConsistent(t, r)
	}
}

// trimBeside trims the log of what is older than the cut-off, a few entries a
// step, while commands go on. A step that gave way to them is taken again.
func trimBeside(ctx context.Context, r *repo.Repo, cutoff time.Time, limit int) error {
	trimming := r.BeginTrim(cutoff)
	for {
		more, err := trimming.Log(ctx, limit)
		if !repo.GaveWay(err) && (err != nil || !more) {
			return err
		}
	}
}
