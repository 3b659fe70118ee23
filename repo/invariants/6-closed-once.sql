-- A reservation leaves HELD once: each of its lines has one closing entry, which
-- is CONVERTED, RELEASED or EXPIRED as the status tells, for all of its units,
-- and of the moment at which the reservation was completed. One that is HELD, or
-- that was allocated without a hold and so has no deadline, has none. Likewise an
-- allocation ends once, each line in one FULFILLED or CANCELLED entry.
--
-- Retention trims the log from its front, up to the horizon of the base snapshot.
-- So an allocation that was converted by then may be without CONVERTED entries.
-- By what ended it a reservation goes itself.
--
-- Lines and entries are first compared by the sums of their hashes; only where
-- something differs are they looked at one by one. MATERIALIZED keeps it in that
-- order.
WITH suspect AS MATERIALIZED (
    SELECT id, status, completed_at, due.closing AS closing_due, due.ending AS ending_due,
           may_be_trimmed
    FROM reservations AS reservation
    CROSS JOIN LATERAL (
        SELECT CASE WHEN status IN ('RELEASED', 'EXPIRED') THEN status
                    WHEN status <> 'HELD' AND expires_at IS NOT NULL THEN 'CONVERTED' END AS closing,
               CASE WHEN status IN ('FULFILLED', 'CANCELLED') THEN status END AS ending,
               status NOT IN ('RELEASED', 'EXPIRED')
                   AND coalesce(completed_at <= (SELECT taken_at FROM snapshots WHERE is_base), false) AS may_be_trimmed
    ) AS due
    LEFT JOIN (
        SELECT reservation_id, sum(hashtextextended(sku, hashtextextended(location, quantity))) AS hashes
        FROM reservation_lines
        GROUP BY reservation_id
    ) AS lines ON lines.reservation_id = reservation.id
    LEFT JOIN (
        SELECT reservation_id,
               sum(hashtextextended(sku, hashtextextended(location, -reserved_delta))) FILTER (WHERE is_closing) AS closed,
               min(action) FILTER (WHERE is_closing) AS closing_min,
               max(action) FILTER (WHERE is_closing) AS closing_max,
               min(at) FILTER (WHERE is_closing) AS closed_at_min,
               max(at) FILTER (WHERE is_closing) AS closed_at_max,
               sum(hashtextextended(sku, hashtextextended(location, -allocated_delta))) FILTER (WHERE NOT is_closing) AS ended,
               min(action) FILTER (WHERE NOT is_closing) AS ending_min,
               max(action) FILTER (WHERE NOT is_closing) AS ending_max
        FROM (
            SELECT *, action IN ('CONVERTED', 'RELEASED', 'EXPIRED') AS is_closing
            FROM audit_log
            WHERE reservation_id IS NOT NULL
              AND action IN ('CONVERTED', 'RELEASED', 'EXPIRED', 'FULFILLED', 'CANCELLED')
        ) AS entry
        GROUP BY reservation_id
    ) AS entries ON entries.reservation_id = reservation.id
    WHERE (entries.closing_min IS NOT NULL OR NOT may_be_trimmed)
          AND (entries.closing_min IS DISTINCT FROM due.closing OR entries.closing_max IS DISTINCT FROM due.closing)
       OR entries.ending_min IS DISTINCT FROM due.ending OR entries.ending_max IS DISTINCT FROM due.ending
       OR entries.closed <> lines.hashes OR entries.ended <> lines.hashes
       OR entries.closed_at_min <> completed_at OR entries.closed_at_max <> completed_at
)
SELECT line.sku, line.location, suspect.id AS reservation_id,
       wrong.expected, wrong.actual, wrong.detail, false AS repairable
FROM suspect
CROSS JOIN LATERAL (
    SELECT sku, location, max(quantity) AS quantity,
           count(*) FILTER (WHERE is_closing) AS closings,
           count(*) FILTER (WHERE action = closing_due) AS closings_right,
           max(units) FILTER (WHERE is_closing) AS closed_units,
           bool_or(at <> completed_at) FILTER (WHERE is_closing) AS is_closed_elsewhen,
           count(*) FILTER (WHERE is_ending) AS endings,
           count(*) FILTER (WHERE action = ending_due) AS endings_right,
           max(units) FILTER (WHERE is_ending) AS ended_units
    FROM (
        SELECT sku, location, quantity, NULL AS action, NULL::timestamptz AS at, NULL::bigint AS units,
               false AS is_closing, false AS is_ending
        FROM reservation_lines
        WHERE reservation_id = suspect.id
        UNION ALL
        SELECT sku, location, NULL, action, at, -reserved_delta, true, false
        FROM audit_log
        WHERE reservation_id = suspect.id AND action IN ('CONVERTED', 'RELEASED', 'EXPIRED')
        UNION ALL
        SELECT sku, location, NULL, action, at, -allocated_delta, false, true
        FROM audit_log
        WHERE reservation_id = suspect.id AND action IN ('FULFILLED', 'CANCELLED')
    ) AS parts
    GROUP BY sku, location
) AS line
CROSS JOIN LATERAL (VALUES
    (quantity IS NULL,
        NULL::integer, NULL::bigint, 'an audit entry ends a line that does not exist'),
    (quantity IS NOT NULL AND closings <> (closing_due IS NOT NULL)::integer AND NOT (closings = 0 AND may_be_trimmed),
        (closing_due IS NOT NULL)::integer, closings, 'wrong number of entries by which the line left HELD: it is ' || status),
    (closing_due IS NOT NULL AND closings_right <> closings,
        closings, closings_right, 'the line left HELD another way than its status tells: it is ' || status),
    (closed_units <> quantity,
        quantity, closed_units, 'the line left HELD with another number of units than it has'),
    (is_closed_elsewhen,
        NULL, NULL, 'the line left HELD at another time than its reservation'),
    (quantity IS NOT NULL AND endings <> (ending_due IS NOT NULL)::integer,
        (ending_due IS NOT NULL)::integer, endings, 'wrong number of entries by which the line left ALLOCATED: it is ' || status),
    (ending_due IS NOT NULL AND endings_right <> endings,
        endings, endings_right, 'the line left ALLOCATED another way than its status tells: it is ' || status),
    (ended_units <> quantity,
        quantity, ended_units, 'the line left ALLOCATED with another number of units than it has')
) AS wrong (found, expected, actual, detail)
WHERE wrong.found

UNION ALL

SELECT NULL, NULL, id, NULL, NULL,
       CASE WHEN completed_at IS NULL THEN 'no time at which it left HELD: it is ' || status
            ELSE 'a time at which it left HELD: it is ' || status END,
       false
FROM reservations
WHERE (completed_at IS NULL) <> (status = 'HELD' OR expires_at IS NULL)
