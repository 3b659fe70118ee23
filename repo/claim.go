package repo

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// claim is what a sweep took, to end it, and what it saw on the way.
type claim struct {
	swept inventory.Swept
	ids   []string
	state inventory.State
}

// claim locks holds that are due, the earliest first, without waiting for any;
// then their levels; and reads both.
func (s *Sweeper) claim(ctx context.Context, t *tx, from time.Time, limit int) (claim, error) {
	var (
		now           time.Time
		next, through sql.NullTime
		ids           []byte
		loaded        loadedRows
	)
	err := t.query(ctx, `SELECT c.moment, c.next_deadline, c.through, to_json(c.reservation_ids), l.*
		FROM holdfast_claim(?, ?, ?, ?, ?) AS c,
			holdfast_load(false, true, NULL, NULL, NULL, c.reservation_ids, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS l`,
		s.claimArgs(from, limit), append([]any{&now, &next, &through, &ids}, loaded.columns()...)...)
	if err != nil {
		return claim{}, err
	}

	c := claim{swept: inventory.Swept{Now: now.UTC(), Through: now.UTC(), More: through.Valid}}
	if next.Valid {
		c.swept.Next = next.Time.UTC()
	}
	if through.Valid {
		c.swept.Through = through.Time.UTC()
	}
	if ids != nil {
		if err := json.Unmarshal(ids, &c.ids); err != nil {
			return claim{}, err
		}
	}
	c.state, err = loaded.state()
	return c, err
}

// claimArgs are those of holdfast_claim.
func (s *Sweeper) claimArgs(from time.Time, limit int) []any {
	maps.DeleteFunc(s.avoided, func(_ inventory.LevelKey, until time.Time) bool { return time.Now().After(until) })
	var keys []inventory.LevelKey
	for key := range s.avoided {
		keys = append(keys, key)
	}
	skus, locations := splitKeys(keys)
	return []any{from, limit, sweepLinesMax, pgdialect.Array(skus), pgdialect.Array(locations)}
}

// avoidBusy finds out which stock of the holds that would be claimed is locked.
// If that can't be found out, the next try tells.
func (s *Sweeper) avoidBusy(ctx context.Context, from time.Time, limit int) {
	due, err := s.due(ctx, from, limit)
	if err != nil {
		return
	}
	busy, err := s.repo.probe(ctx, footprint{reservations: due})
	if err != nil {
		return
	}
	for key := range busy.levels {
		s.avoided[key] = time.Now().Add(busyPause)
	}
}

// due names the holds that would be claimed, and keeps none of them.
func (s *Sweeper) due(ctx context.Context, from time.Time, limit int) (ids []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience().connection)
	defer cancel()
	t, err := s.repo.begin(ctx, s.patience())
	if err != nil {
		return nil, err
	}
	defer t.end(ctx)
	m := message{}
	m.add("SELECT to_json(reservation_ids) FROM holdfast_claim(?, ?, ?, ?, ?)", s.claimArgs(from, limit)...)
	err = t.queryJSON(ctx, m, &ids)
	return distinct(ids), err
}
