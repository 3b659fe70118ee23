-- The audit entries of a stock level form one chain: versions from 1 without a
-- gap, the counters of each entry those of the one before plus its deltas. The
-- level itself is the last link: it has the version and counters of the last
-- entry. Where retention has trimmed a chain from its front, it begins with what
-- the base snapshot has of the level.
--
-- An entry takes the level from one state to the next. Add up a hash of each
-- state that an entry leads to, and take away that of the state it began from:
-- in a whole chain all cancel out, but the last state, which is the one of the
-- level, and the first, which is nothing. So no entry needs to be sorted, and
-- only broken chains are walked. MATERIALIZED keeps it in that order.
--
-- Where only the counters of the level differ from the last entry, they can be
-- set right, unless that would oversell. A chain broken in its middle is lost
-- history, which nobody can mend without guessing.
WITH broken AS MATERIALIZED (
    SELECT sku, location, log.sku IS NOT NULL AS has_entries
    FROM (
        SELECT sku, location,
               hashint8extended(allocated, hashint8extended(reserved, hashint8extended(total, version)))::numeric
               - hashint8extended(0, hashint8extended(0, hashint8extended(0, 0))) AS way
        FROM stock_levels
    ) AS level
    FULL JOIN (
        SELECT sku, location,
               sum(hashint8extended(allocated, hashint8extended(reserved, hashint8extended(total, version))))
               - sum(hashint8extended(allocated - allocated_delta, hashint8extended(reserved - reserved_delta,
                   hashint8extended(total - total_delta, version_before)))) AS way
        FROM (
            SELECT sku, location, version, total, reserved, allocated, version - 1 AS version_before,
                   total_delta, reserved_delta, allocated_delta
            FROM audit_log
            WHERE version IS NOT NULL
            UNION ALL
            SELECT sku, location, version, total, reserved, allocated, 0, total, reserved, allocated
            FROM snapshot_levels
            WHERE snapshot_id = (SELECT id FROM snapshots WHERE is_base)
        ) AS link
        GROUP BY sku, location
    ) AS log USING (sku, location)
    WHERE level.way IS DISTINCT FROM log.way
)
SELECT sku, location, NULL::uuid AS reservation_id,
       wrong.expected, wrong.actual, wrong.detail, wrong.repairable
FROM broken
CROSS JOIN LATERAL (
    SELECT link.*,
           lag(version, 1, 0::bigint) OVER chain AS version_before,
           lag(total, 1, 0::bigint) OVER chain AS total_before,
           lag(reserved, 1, 0::bigint) OVER chain AS reserved_before,
           lag(allocated, 1, 0::bigint) OVER chain AS allocated_before,
           lead(version) OVER chain IS NULL AS is_last
    FROM (
        SELECT true AS is_base, false AS is_level, version, total, reserved, allocated,
               total AS total_delta, reserved AS reserved_delta, allocated AS allocated_delta
        FROM snapshot_levels
        WHERE sku = broken.sku AND location = broken.location AND snapshot_id = (SELECT id FROM snapshots WHERE is_base)
        UNION ALL
        SELECT false, false, version, total, reserved, allocated, total_delta, reserved_delta, allocated_delta
        FROM audit_log
        WHERE sku = broken.sku AND location = broken.location AND version IS NOT NULL
        UNION ALL
        SELECT false, true, version, total, reserved, allocated, 0, 0, 0
        FROM stock_levels
        WHERE sku = broken.sku AND location = broken.location
    ) AS link
    WINDOW chain AS (ORDER BY is_level, NOT is_base, version)
) AS link
CROSS JOIN LATERAL (
    SELECT CASE WHEN is_base THEN version WHEN is_level THEN version_before ELSE version_before + 1 END AS version_due,
           CASE WHEN is_level THEN ' of the stock level is not that of the last audit entry'
                ELSE ' of audit entry ' || version || ' is not the one before plus its delta' END AS breaks
) AS place
CROSS JOIN LATERAL (VALUES
    (is_level AND NOT has_entries,
        NULL::bigint, NULL::bigint, 'a stock level without audit entries', false),
    (is_last AND NOT is_level,
        NULL, NULL, 'audit entries up to version ' || version || ' without a stock level', false),
    (version <> version_due AND is_level AND has_entries,
        version_due, version, 'version' || breaks, false),
    (version <> version_due AND NOT is_level,
        version_due, version, 'audit entry ' || version || ' does not follow ' || version_before, false),
    (version = version_due AND total IS DISTINCT FROM total_before + total_delta,
        total_before + total_delta, total, 'total' || breaks,
        is_level AND reserved + allocated <= total_before),
    (version = version_due AND reserved IS DISTINCT FROM reserved_before + reserved_delta,
        reserved_before + reserved_delta, reserved, 'reserved' || breaks,
        is_level AND reserved_before + allocated <= total),
    (version = version_due AND allocated IS DISTINCT FROM allocated_before + allocated_delta,
        allocated_before + allocated_delta, allocated, 'allocated' || breaks,
        is_level AND reserved + allocated_before <= total)
) AS wrong (found, expected, actual, detail, repairable)
WHERE wrong.found
