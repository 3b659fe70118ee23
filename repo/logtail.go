package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"

	"holdfast/internal/inventory"
)

// tailPatience is for reads that are soon repeated. They are small, so that one
// which takes longer has lost its connection.
var tailPatience = patience{lock: time.Second, statement: 2 * time.Second, connection: 3 * time.Second}

// Look says where the audit log ends, and which transactions may still write to
// it. It is made to be called a hundred times a second: it takes no turn among
// the reads.
//
// The next transaction id is what the snapshot's end and its age come to. The
// snapshot's end alone would not do: it is the one after the last transaction
// that has ended, and there may be later ones that have drawn positions. The age
// is worked out once the sequence's row was read, for that is what the select
// list is worked out from.
func (r *Repo) Look(ctx context.Context) (inventory.LogLook, error) {
	var look inventory.LogLook
	err := r.queryWith(ctx, tailPatience, `
		SELECT CASE WHEN is_called THEN last_value ELSE 0 END,
			pg_snapshot_xmax(pg_current_snapshot())::text::bigint + age(pg_snapshot_xmax(pg_current_snapshot())::xid),
			pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
			coalesce((SELECT max(id) FROM audit_log), 0),
			(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint
		FROM audit_log_id_seq`, nil, &look.Last, &look.Next, &look.Oldest, &look.Top, &look.Run)
	if err != nil {
		return inventory.LogLook{}, fmt.Errorf("look at the audit log: %w", err)
	}
	return look, nil
}

// Before answers a position such that all entries up to it happened longer ago
// than age, except for those that were written side by side with younger ones.
func (r *Repo) Before(ctx context.Context, age time.Duration) (int64, error) {
	var position int64
	err := r.queryWith(ctx, tailPatience, "SELECT holdfast_entry_at(clock_timestamp() - ? * interval '1 microsecond') - 1",
		[]any{age.Microseconds()}, &position)
	if err != nil {
		return 0, fmt.Errorf("find a place in the audit log: %w", err)
	}
	return position, nil
}

// News tells what the first entries of the spans come to, at most limit of those
// that can be seen. Spans are in order, and don't overlap.
func (r *Repo) News(ctx context.Context, spans []inventory.LogSpan, limit int, withReservations bool) (inventory.LogNews, error) {
	var from, through []int64
	for _, span := range spans {
		from = append(from, span.From)
		through = append(through, span.Through)
	}
	var news inventory.LogNews
	var micros int64
	var levels, reservations, missing []byte
	err := r.queryWith(ctx, tailPatience, tailSettings+selectNews,
		[]any{pgdialect.Array(from), pgdialect.Array(through), withReservations, limit},
		&news.Entries, &news.Reached, &micros, &levels, &reservations, &missing)
	if err != nil {
		return inventory.LogNews{}, fmt.Errorf("read the end of the audit log: %w", err)
	}
	var rows []levelRow
	var gaps [][2]int64
	for _, part := range []struct {
		rows []byte
		dest any
	}{{levels, &rows}, {reservations, &news.Reservations}, {missing, &gaps}} {
		if part.rows == nil {
			continue
		}
		if err := json.Unmarshal(part.rows, part.dest); err != nil {
			return inventory.LogNews{}, fmt.Errorf("read the end of the audit log: %w", err)
		}
	}
	for _, row := range rows {
		news.Levels = append(news.Levels, row.level())
	}
	for _, gap := range gaps {
		news.Missing = append(news.Missing, inventory.LogSpan{From: gap[0], Through: gap[1]})
	}
	news.Lag = time.Duration(micros) * time.Microsecond
	return news, nil
}

// tailSettings keep a short stretch of the log from being read as a whole table
// because the statistics are out of date.
const tailSettings = "SET LOCAL enable_seqscan = off; " + noWorkers

// selectNews finds what is missing as the stretches between neighbours that are
// further apart than one. The neighbours of a span's first and last position are
// those just outside it. The inner limit has each span read along the key: without
// it the planner may walk the log from its beginning.
const selectNews = `
	WITH span AS (
		SELECT * FROM unnest(?0::bigint[], ?1::bigint[]) AS s (low, high)
	), entry AS MATERIALIZED (
		SELECT span.low, log.id, log.at, log.action, log.sku, log.location, log.reservation_id,
			log.total, log.reserved, log.allocated, log.version
		FROM span CROSS JOIN LATERAL (SELECT * FROM audit_log WHERE id BETWEEN span.low AND span.high ORDER BY id LIMIT ?3) AS log
		ORDER BY log.id LIMIT ?3
	)
	SELECT (SELECT count(*) FROM entry),
		(SELECT CASE WHEN count(*) = ?3 THEN max(id) ELSE (SELECT max(high) FROM span) END FROM entry),
		coalesce((SELECT extract(epoch FROM clock_timestamp() - min(at)) * 1000000 FROM entry), 0)::bigint,
		(SELECT json_agg(l) FROM (
			SELECT DISTINCT ON (sku, location) sku, location, total, reserved, allocated, version, at AS updated_at
			FROM entry WHERE version IS NOT NULL ORDER BY sku, location, version DESC) AS l),
		(SELECT json_agg(DISTINCT reservation_id) FROM entry
			WHERE ?2 AND reservation_id IS NOT NULL AND action NOT IN ('HELD', 'ALLOCATED')),
		(SELECT json_agg(json_build_array(before + 1, id - 1) ORDER BY id) FROM (
			SELECT id, lag(id) OVER (PARTITION BY low ORDER BY id) AS before
			FROM (SELECT low, id FROM entry UNION ALL SELECT low, low - 1 FROM span UNION ALL SELECT low, high + 1 FROM span) AS mark
		) AS neighbours WHERE id - before > 1)`

// StoredReservations answers those of the reservations that there are, whosever
// they are, with their state as stored.
func (r *Repo) StoredReservations(ctx context.Context, ids []string) ([]inventory.Reservation, error) {
	var encoded []json.RawMessage
	err := r.queryWith(ctx, tailPatience, noWorkers+"SELECT to_json(r) FROM ("+selectReservations+" WHERE r.id = ANY(?::uuid[])) AS r",
		[]any{pgdialect.Array(ids)}, &encoded)
	if err != nil {
		return nil, fmt.Errorf("read what followed reservations became: %w", err)
	}
	return decodeReservations(encoded)
}
