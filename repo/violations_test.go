package repo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// violations are what must never be found in a database, whatever was
// commanded: the invariants, written without regard to the consistency check,
// so that one checks the other. Each query answers a sentence a row. What is
// older than kept.since may have been trimmed from the log.
var violations = []string{
	// 1: no oversell.
	`SELECT 'oversold: ' || to_json(l) FROM stock_levels AS l
	 WHERE least(total, reserved, allocated, total - reserved - allocated) < 0`,

	// 2 and 3: what is reserved and allocated is the sum of the lines.
	`SELECT format('%s@%s: lines say %s/%s, the level %s/%s', sku, location, held, owned, reserved, allocated)
	 FROM stock_levels FULL JOIN (
		SELECT sku, location, sum(quantity * (status = 'HELD')::int) AS held, sum(quantity * (status = 'ALLOCATED')::int) AS owned
		FROM reservation_lines JOIN reservations ON id = reservation_id GROUP BY sku, location) AS lines USING (sku, location)
	 WHERE (reserved, allocated) IS DISTINCT FROM (coalesce(held, 0), coalesce(owned, 0))`,

	// 4: the log adds up to each of its entries' counters from the last repair on,
	// which begins anew, and to the level.
	`SELECT 'the log breaks at ' || to_json(e) FROM (
		SELECT e.*, coalesce(b.version, 0) + row_number() OVER w AS due, count(*) FILTER (WHERE action = 'REPAIRED') OVER later AS repairs,
			e.total - CASE WHEN action = 'REPAIRED' THEN 0 ELSE lag(e.total, 1, coalesce(b.total, 0)) OVER w + total_delta END AS t,
			e.reserved - CASE WHEN action = 'REPAIRED' THEN 0 ELSE lag(e.reserved, 1, coalesce(b.reserved, 0)) OVER w + reserved_delta END AS r,
			e.allocated - CASE WHEN action = 'REPAIRED' THEN 0 ELSE lag(e.allocated, 1, coalesce(b.allocated, 0)) OVER w + allocated_delta END AS a
		FROM audit_log AS e LEFT JOIN base AS b USING (sku, location) WHERE e.version IS NOT NULL
		WINDOW w AS (PARTITION BY sku, location ORDER BY e.version), later AS (PARTITION BY sku, location ORDER BY e.version DESC)) AS e
	 WHERE version <> due OR repairs = 0 AND (t, r, a) <> (0, 0, 0)`,
	`SELECT 'not the end of the log: ' || to_json(l) FROM stock_levels AS l
	 FULL JOIN (SELECT DISTINCT ON (sku, location) * FROM audit_log WHERE version IS NOT NULL ORDER BY sku, location, version DESC) AS e USING (sku, location)
	 FULL JOIN base AS b USING (sku, location)
	 WHERE (l.version, l.total, l.reserved, l.allocated) IS DISTINCT FROM CASE WHEN e.id IS NULL
			THEN (b.version, b.total, b.reserved, b.allocated) ELSE (e.version, e.total, e.reserved, e.allocated) END
		OR l.updated_at <> e.at`,
	`SELECT 'entry out of place: ' || to_json(e) FROM audit_log AS e
	 WHERE version IS NULL AND (action NOT IN ('CREATED', 'EXTENDED') OR location IS NOT NULL OR (total_delta, reserved_delta, allocated_delta) <> (0, 0, 0))`,

	// 5: a token and its one effect.
	`SELECT format('token %s: %s effects', key, count(hash)) FROM client_tokens FULL JOIN (
		SELECT id AS made, substr(sha256(convert_to(principal, 'UTF8') || '\x00' || convert_to(client_token, 'UTF8')), 1, 16) AS hash FROM reservations
		UNION ALL SELECT command_id, decode(replace(token_key::text, '-', ''), 'hex') FROM audit_log WHERE token_key IS NOT NULL) AS effects ON made = command_id
	 GROUP BY key HAVING count(hash) <> 1 OR bool_or(hash IS DISTINCT FROM decode(replace(key::text, '-', ''), 'hex'))`,

	// 6: one closing entry a line, at the moment the reservation left HELD.
	`SELECT format('closed by %s entries: %s', count(e.id), to_json(r)) FROM reservations AS r
	 LEFT JOIN audit_log AS e ON e.reservation_id = r.id AND e.action IN ('CONVERTED', 'RELEASED', 'EXPIRED')
	 GROUP BY r.id HAVING count(e.id) <> CASE WHEN completed_at IS NULL THEN 0 ELSE line_count END
			AND (status NOT IN ('ALLOCATED', 'FULFILLED', 'CANCELLED') OR completed_at > (SELECT since FROM kept) OR count(e.id) > line_count)
		OR bool_or(e.at <> completed_at OR (e.action, status) NOT IN (('CONVERTED', 'ALLOCATED'), ('CONVERTED', 'FULFILLED'), ('CONVERTED', 'CANCELLED'),
				('RELEASED', 'RELEASED'), ('EXPIRED', 'EXPIRED')))
			FILTER (WHERE e.id IS NOT NULL)
		OR (completed_at IS NULL) <> (status = 'HELD' OR status IN ('ALLOCATED', 'FULFILLED', 'CANCELLED') AND expires_at IS NULL)`,

	// 6, too: one last entry a line, as its allocation ended.
	`SELECT format('ended by %s entries: %s', count(e.id), to_json(r)) FROM reservations AS r
	 LEFT JOIN (audit_log AS e JOIN reservation_lines AS l USING (reservation_id, sku, location))
		ON e.reservation_id = r.id AND e.action IN ('FULFILLED', 'CANCELLED')
	 GROUP BY r.id HAVING count(e.id) <> CASE WHEN status IN ('FULFILLED', 'CANCELLED') THEN line_count ELSE 0 END
		OR bool_or(e.action <> status OR (e.total_delta, e.reserved_delta, e.allocated_delta) <> (CASE status WHEN 'FULFILLED' THEN -quantity ELSE 0 END, 0, -quantity))
			FILTER (WHERE e.id IS NOT NULL)`,

	// 7: in time, or expired.
	`SELECT 'out of time: ' || to_json(r) FROM reservations AS r
	 WHERE completed_at IS NOT NULL AND (completed_at >= expires_at) <> (status = 'EXPIRED')`,

	// 8: whole or not at all.
	`SELECT 'not whole: ' || to_json(r) FROM reservations AS r
	 WHERE line_count <> (SELECT count(*) FROM reservation_lines WHERE reservation_id = r.id)
		OR EXISTS (SELECT FROM reservation_lines AS l FULL JOIN (
				SELECT * FROM audit_log WHERE reservation_id = r.id AND action IN ('HELD', 'ALLOCATED')) AS e USING (reservation_id, sku, location)
			WHERE reservation_id = r.id AND (quantity, r.id) IS DISTINCT FROM (reserved_delta + allocated_delta, command_id)
				AND (e.id IS NOT NULL OR created_at > (SELECT since FROM kept)))
		OR line_count < (SELECT count(*) FROM audit_log WHERE reservation_id = r.id AND action IN ('HELD', 'ALLOCATED'))
		OR revision < (SELECT count(DISTINCT (command_id, action)) FROM audit_log WHERE reservation_id = r.id)
		OR revision > (SELECT count(DISTINCT (command_id, action)) FROM audit_log WHERE reservation_id = r.id) AND created_at > (SELECT since FROM kept)`,
	`SELECT 'orphan: ' || id FROM (SELECT reservation_id AS id FROM reservation_lines UNION SELECT reservation_id FROM audit_log) AS named
	 WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM reservations)`,
	`SELECT 'level of no SKU: ' || sku FROM stock_levels WHERE sku NOT IN (SELECT sku FROM skus)`,
}

// requireSound fails t, with all that is wrong, unless the counters, the lines,
// the tokens and the audit log agree.
func requireSound(t testing.TB, db *bun.DB) {
	t.Helper()
	found, err := violationsIn(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, found)
}

func violationsIn(ctx context.Context, db bun.IDB) (found []string, err error) {
	query := `WITH base AS (SELECT * FROM snapshot_levels WHERE snapshot_id = (SELECT id FROM snapshots WHERE is_base)),
		kept AS (SELECT coalesce((SELECT taken_at FROM snapshots WHERE is_base), '-infinity') AS since)
		(` + strings.Join(violations, ") UNION ALL (") + ")"
	err = db.NewRaw(query).Scan(ctx, &found)
	return found, err
}

// requireConsistent fails t unless the consistency check finds nothing.
func requireConsistent(t testing.TB, r *repo.Repo) {
	t.Helper()
	report, err := r.Consistency(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, report.Issues)
}

// auditLog answers the entries from the first on, a line each: action, level,
// the deltas of total, reserved and allocated, and what they are after it.
func auditLog(t testing.TB, db *bun.DB) []string {
	t.Helper()
	var entries []string
	require.NoError(t, db.NewRaw(`
		SELECT concat_ws(' ', action, sku || coalesce('@' || location, ''),
			CASE WHEN version IS NOT NULL THEN format('%s/%s/%s -> %s/%s/%s', to_char(total_delta, 'FMSG9999999999999990'),
				to_char(reserved_delta, 'FMSG9999999999999990'), to_char(allocated_delta, 'FMSG9999999999999990'), total, reserved, allocated) END,
			CASE WHEN actor <> 'default' THEN 'by ' || actor END, reason, reference)
		FROM audit_log ORDER BY id`).Scan(t.Context(), &entries))
	return entries
}

func TestEachViolationIsFound(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	w := newWorld(t, db, newRepo(t, db), inventory.Pessimistic)
	held := w.hold("held", line("A", 2), line("B", 1))
	w.extend(held.ID, 3600)
	converted := w.convert(w.hold("converted", line("A", 1)).ID).Reservation
	w.allocate("allocated", line("A", 1))
	w.fulfil(w.allocate("fulfilled", line("A", 1)).ID)
	w.cancel(w.convert(w.hold("cancelled", line("A", 1)).ID).Reservation.ID)
	overdue := w.hold("overdue", line("A", 1))
	makeOverdue(t, db, overdue.ID)
	w.release(overdue.ID)
	requireSound(t, db)

	for _, corruption := range []string{
		"ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_no_oversell; UPDATE stock_levels SET total = 0 WHERE sku = 'A'",
		"UPDATE stock_levels SET reserved = reserved + 1 WHERE sku = 'A'",
		"UPDATE stock_levels SET allocated = allocated - 1 WHERE sku = 'A'",
		"UPDATE stock_levels SET total = total + 1 WHERE sku = 'A'",
		"UPDATE stock_levels SET version = version + 1 WHERE sku = 'A'",
		"DELETE FROM stock_levels WHERE sku = 'A'",
		"UPDATE reservation_lines SET quantity = quantity + 1 WHERE sku = 'B'",
		"DELETE FROM audit_log WHERE sku = 'A' AND version = 2",
		"UPDATE audit_log SET total = total + 1 WHERE sku = 'A' AND version = 2",
		"UPDATE audit_log SET reserved_delta = 0 WHERE action = 'HELD' AND sku = 'B'",
		"UPDATE audit_log SET total_delta = 1 WHERE action = 'EXTENDED'",
		"DELETE FROM client_tokens WHERE action = 'HELD'",
		"UPDATE client_tokens SET command_id = gen_random_uuid() WHERE action = 'ADJUSTED'",
		"UPDATE reservations SET client_token = 'other' WHERE status = 'HELD'",
		"UPDATE reservations SET status = 'RELEASED' WHERE id = '" + converted.ID + "'",
		"UPDATE reservations SET completed_at = NULL WHERE id = '" + converted.ID + "'",
		"DELETE FROM audit_log WHERE action = 'CONVERTED'",
		"UPDATE reservations SET status = 'CANCELLED' WHERE status = 'FULFILLED'",
		"UPDATE reservations SET status = 'ALLOCATED' WHERE status = 'CANCELLED'",
		"UPDATE reservations SET completed_at = NULL WHERE status = 'CANCELLED'",
		"DELETE FROM audit_log WHERE action = 'CANCELLED'",
		"UPDATE audit_log SET total_delta = 0 WHERE action = 'FULFILLED'",
		"UPDATE reservations SET expires_at = completed_at WHERE id = '" + converted.ID + "'",
		"UPDATE reservations SET expires_at = now() + interval '1 hour' WHERE id = '" + overdue.ID + "'",
		"UPDATE reservations SET line_count = 1 WHERE status = 'HELD'",
		"UPDATE reservations SET revision = 1 WHERE status = 'HELD'",
		"DELETE FROM audit_log WHERE action = 'EXTENDED'",
		"DELETE FROM reservations WHERE status = 'HELD'",
		"DELETE FROM skus WHERE sku = 'A'",
	} {
		err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			result, err := tx.ExecContext(ctx, corruption)
			require.NoError(t, err)
			changed, err := result.RowsAffected()
			require.NoError(t, err)
			require.Positive(t, changed, corruption)
			found, err := violationsIn(ctx, tx)
			require.NoError(t, err)
			require.NotEmpty(t, found, corruption)
			return errUndo
		})
		require.ErrorIs(t, err, errUndo)
	}
	requireSound(t, db)
}

var errUndo = errors.New("undo")
