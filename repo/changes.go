package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

const (
	// changesPerPage is how many entries a follower has in memory at once.
	changesPerPage = 500
	// entriesPerLook is how many entries one statement looks at to find those of
	// some SKUs: some tens of milliseconds' work.
	entriesPerLook = 5_000
	// followersAtOnce is how many followers read at once. They read as often as
	// the log grows, and however many there are, most turns are for queries.
	followersAtOnce = 2
)

// ErrResync says that entries behind a cursor are no longer kept, or that there
// never were any: then the database was restored to a moment before it.
var ErrResync = errors.New("changes behind this cursor are no longer kept, or the log has never come to it: read availability anew, then follow without a cursor")

// Changes reads the entries of the audit log, each once and in order. It isn't
// safe for concurrent use.
type Changes struct {
	repo *Repo
	skus []string
	// position is that of an entry, or before all there are. All up to it were
	// answered that are to be. It must be an entry's: after a crash, ids may be
	// drawn again that no commit made durable.
	position int64
	// through is up to where there is nothing more than what was answered.
	through int64
	// began is the snapshot in which it began, if that was without a cursor, and
	// beganAt what was then the last position. What could be seen in the snapshot
	// isn't answered.
	began   string
	beganAt int64
}

// Changes begins behind the cursor, which is one of AuditLog's; without one it
// begins with what can't be seen yet, all of which lies behind past. With SKUs it
// is those entries alone that concern them. The errors are *inventory.Error,
// ErrResync, and those of reading.
func (r *Repo) Changes(ctx context.Context, after *string, skus []string, past int64) (*Changes, error) {
	c := &Changes{repo: r, skus: skus, through: -1}
	if after != nil {
		key, problem := keyOf(*after, auditCursors)
		if problem != nil {
			return nil, problem
		}
		c.position, _ = strconv.ParseInt(key, 10, 64) // it is a number
	}
	if skus != nil && len(skus) == 0 {
		return nil, badArgument("name at least one SKU, or leave this out", "skus")
	}
	if problem := checkSKUs(skus); problem != nil {
		return nil, problem
	}

	var known []string
	var last, trimmed, start int64
	var snapshot string
	err := r.query(ctx, tailSettings+`
		SELECT `+selectLogEnds+`, coalesce((SELECT max(id) FROM audit_log WHERE id <= ?), 0),
			pg_current_snapshot()::text, ARRAY(SELECT sku FROM skus WHERE sku = ANY(?::text[]))
		FROM audit_log_id_seq`, []any{past, pgdialect.Array(skus)}, &last, &trimmed, &start, &snapshot, pgdialect.Array(&known))
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	if problem := unknownOf(skus, known); problem != nil {
		return nil, problem
	}
	if after == nil {
		c.position, c.began, c.beganAt = max(start, trimmed), snapshot, last
	}
	return c, c.kept(last, trimmed)
}

// selectLogEnds are the last position drawn, and up to which entries may have
// been deleted.
const selectLogEnds = "CASE WHEN is_called THEN last_value ELSE 0 END, coalesce((SELECT last_entry FROM snapshots WHERE is_base), 0)"

// kept is ErrResync where the log doesn't have what comes next.
func (c *Changes) kept(last, trimmed int64) error {
	if c.position < trimmed || c.position > last {
		return ErrResync
	}
	return nil
}

func unknownOf(skus, known []string) *inventory.Error {
	isKnown := map[string]bool{}
	for _, sku := range known {
		isKnown[sku] = true
	}
	for i, sku := range skus {
		if !isKnown[sku] {
			return badArgument("there is no SKU "+sku, "skus", strconv.Itoa(i))
		}
	}
	return nil
}

// Next answers the next entries up to the position through, and none where all
// of them were answered. No entry up to there may be still to come. An error
// changes nothing: to call it again goes on. It is ErrResync, or one of reading.
func (c *Changes) Next(ctx context.Context, through int64) ([]AuditEdge, error) {
	for more := c.through != through; more; {
		var page []AuditEdge
		var err error
		if page, more, err = c.page(ctx, through); err != nil {
			return nil, err
		}
		if !more {
			c.through = through
		}
		if len(page) > 0 {
			return page, nil
		}
	}
	return nil, nil
}

func (c *Changes) page(ctx context.Context, through int64) (page []AuditEdge, more bool, err error) {
	var last, trimmed, reached int64
	var encoded []byte
	var m message
	m.add(tailSettings+`WITH looked AS MATERIALIZED (
			SELECT *, xmin AS writer FROM audit_log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?
		), page AS MATERIALIZED (
			SELECT `+entryColumns+` FROM looked WHERE true`, c.position, through, c.looks())
	c.addConditions(&m)
	m.add(" ORDER BY id LIMIT ?) SELECT "+selectLogEnds+`,
		(SELECT count(*) FROM looked) = ? OR (SELECT count(*) FROM page) = ?,
		coalesce((SELECT max(id) FROM page HAVING count(*) = ?), (SELECT max(id) FROM looked), ?),
		(SELECT json_agg(page ORDER BY id) FROM page)
		FROM audit_log_id_seq`, changesPerPage, c.looks(), changesPerPage, changesPerPage, c.position)
	if err := c.repo.queryForFollower(ctx, m.text.String(), m.args, &last, &trimmed, &more, &reached, &encoded); err != nil {
		return nil, false, fmt.Errorf("changes: %w", err)
	}
	if err := c.kept(last, trimmed); err != nil {
		return nil, false, err
	}
	var rows []entryRow
	if encoded != nil {
		if err := json.Unmarshal(encoded, &rows); err != nil {
			return nil, false, fmt.Errorf("changes: %w", err)
		}
	}
	for _, row := range rows {
		page = append(page, AuditEdge{Cursor: cursor(auditCursors, strconv.FormatInt(row.ID, 10)), Node: row.entry()})
	}
	c.position = reached
	return page, more, nil
}

// queryForFollower is query, with few turns for all followers together.
func (r *Repo) queryForFollower(ctx context.Context, text string, args []any, dest ...any) error {
	select {
	case r.followers <- struct{}{}:
		defer func() { <-r.followers }()
	case <-ctx.Done():
		return readFault(ctx.Err())
	}
	return r.query(ctx, text, args, dest...)
}

// entryColumns are an entry's, as entryRow has them.
const entryColumns = `id, at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
	total, reserved, allocated, version, actor, reason, reference`

// looks is how many entries a page is looked for in.
func (c *Changes) looks() int {
	if c.skus == nil {
		return changesPerPage
	}
	return entriesPerLook
}

func (c *Changes) addConditions(m *message) {
	if c.skus != nil {
		m.add(" AND sku = ANY(?::text[])", pgdialect.Array(c.skus))
	}
	if c.position < c.beganAt {
		// A row has but the lower half of its transaction's id. The age tells how
		// far it is from one that is known in full.
		m.add(` AND NOT pg_visible_in_snapshot(greatest(3, pg_snapshot_xmax(?::pg_snapshot)::text::bigint
			+ age(pg_snapshot_xmax(?::pg_snapshot)::xid) - age(writer))::text::xid8, ?::pg_snapshot)`, c.began, c.began, c.began)
	}
}
