-- A reservation has all its lines and entries, or does not exist: its header
-- knows how many lines there are, and each of them has one opening entry for all
-- of its units: HELD if it has a deadline, else ALLOCATED. No line and no entry
-- is without its reservation, and no hold without a deadline, or nothing would
-- ever end it.
--
-- Retention trims the log from its front, up to the horizon of the base snapshot.
-- So a reservation that was made by then may be without opening entries.
--
-- What a hold writes has no foreign keys, so nothing else looks for orphans.
-- Lines and entries are first compared by the sums of their hashes; only where
-- something differs are they looked at one by one. MATERIALIZED keeps it in that
-- order.
WITH suspect AS MATERIALIZED (
    SELECT id, status, expires_at, line_count, coalesce(lines.count, 0) AS lines, due.opening AS opening_due,
           may_be_trimmed
    FROM reservations AS reservation
    CROSS JOIN LATERAL (
        SELECT CASE WHEN expires_at IS NULL AND status <> 'HELD' THEN 'ALLOCATED' ELSE 'HELD' END AS opening,
               coalesce(created_at <= (SELECT taken_at FROM snapshots WHERE is_base), false) AS may_be_trimmed
    ) AS due
    LEFT JOIN (
        SELECT reservation_id, count(*) AS count,
               sum(hashtextextended(sku, hashtextextended(location, quantity))) AS hashes
        FROM reservation_lines
        GROUP BY reservation_id
    ) AS lines ON lines.reservation_id = reservation.id
    LEFT JOIN (
        SELECT reservation_id,
               sum(hashtextextended(sku, hashtextextended(location, reserved_delta + allocated_delta))) AS hashes,
               min(action) AS action_min, max(action) AS action_max
        FROM audit_log
        WHERE reservation_id IS NOT NULL AND action IN ('HELD', 'ALLOCATED')
        GROUP BY reservation_id
    ) AS openings ON openings.reservation_id = reservation.id
    WHERE line_count IS DISTINCT FROM lines.count
       OR lines.hashes IS DISTINCT FROM openings.hashes AND NOT (openings.action_min IS NULL AND may_be_trimmed)
       OR openings.action_min <> due.opening OR openings.action_max <> due.opening
       OR status = 'HELD' AND expires_at IS NULL
)
SELECT line.sku, line.location, suspect.id AS reservation_id,
       wrong.expected, wrong.actual, wrong.detail, false AS repairable
FROM suspect
CROSS JOIN LATERAL (
    SELECT NULL AS sku, NULL AS location, true AS is_header,
           NULL::integer AS quantity, NULL::bigint AS openings, NULL::bigint AS openings_right, NULL::bigint AS opened_units
    UNION ALL
    SELECT sku, location, false, max(quantity), count(action), count(*) FILTER (WHERE action = opening_due), max(units)
    FROM (
        SELECT sku, location, quantity, NULL AS action, NULL::bigint AS units
        FROM reservation_lines
        WHERE reservation_id = suspect.id
        UNION ALL
        SELECT sku, location, NULL, action, reserved_delta + allocated_delta
        FROM audit_log
        WHERE reservation_id = suspect.id AND action IN ('HELD', 'ALLOCATED')
    ) AS parts
    GROUP BY sku, location
) AS line
CROSS JOIN LATERAL (VALUES
    (is_header AND line_count <> lines,
        line_count, lines, 'not as many lines as its header says'),
    (is_header AND status = 'HELD' AND expires_at IS NULL,
        NULL, NULL, 'held without a deadline'),
    (NOT is_header AND quantity IS NULL,
        NULL, NULL, 'an audit entry of a line that does not exist'),
    (quantity IS NOT NULL AND openings <> 1 AND NOT (openings = 0 AND may_be_trimmed),
        1, openings, 'wrong number of entries that open the line'),
    (quantity IS NOT NULL AND openings_right <> openings,
        openings, openings_right, 'the line is opened another way than its reservation was made'),
    (openings = 1 AND opened_units <> quantity,
        quantity, opened_units, 'the line is opened with another number of units than it has')
) AS wrong (found, expected, actual, detail)
WHERE wrong.found

UNION ALL

SELECT sku, location, reservation_id, NULL, NULL, 'a line of a reservation that does not exist', false
FROM reservation_lines
WHERE NOT EXISTS (SELECT FROM reservations WHERE id = reservation_id)

UNION ALL

SELECT NULL, NULL, reservation_id, NULL, NULL, 'audit entries of a reservation that does not exist', false
FROM audit_log
WHERE reservation_id IS NOT NULL AND NOT EXISTS (SELECT FROM reservations WHERE id = reservation_id)
GROUP BY reservation_id
