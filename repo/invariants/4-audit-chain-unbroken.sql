-- The audit entries of a stock level form one chain: versions without a gap, the
-- counters of each entry those of the one before plus its deltas. The level
-- itself is the last link: it has the version and counters of the last entry.
-- The chain begins from nothing, or from the base that stands for entries which
-- are no longer kept.
--
-- Nothing can edit the log, so that an entry written from wrong counters stays.
-- A REPAIRED entry is therefore a checkpoint: counters are verified from the last
-- one on, and of what is before it the versions alone. What was wrong there is in
-- the run that wrote it.
--
-- An entry takes the level from one state to the next. Add up a hash of each
-- state that an entry leads to, and take away that of the state it began from:
-- in a whole chain all cancel out, but the last state, which is the one of the
-- level, and the first. So no entry needs to be sorted. Where the sums differ the
-- checkpoint is looked up, and what is before it counts without its counters;
-- only chains that are broken even so are walked. MATERIALIZED keeps it in that
-- order.
--
-- A counter of the level that drifted can be set right, unless that would
-- oversell. Where the total was counted since, it is right, and only a checkpoint
-- is wanted. Other damage to a chain is lost history, which nobody can mend
-- without guessing.
WITH suspect AS MATERIALIZED (
    SELECT sku, location, level.state,
           coalesce(base.version, 0) AS version, coalesce(base.total, 0) AS total,
           coalesce(base.reserved, 0) AS reserved, coalesce(base.allocated, 0) AS allocated
    FROM (SELECT sku, location, holdfast_state(version, total, reserved, allocated)::numeric AS state FROM stock_levels) AS level
    FULL JOIN base_levels AS base USING (sku, location)
    FULL JOIN (
        SELECT sku, location,
               sum(holdfast_state(version, total, reserved, allocated))
               - sum(holdfast_state(version - 1, total - total_delta, reserved - reserved_delta, allocated - allocated_delta)) AS way
        FROM audit_log
        WHERE version IS NOT NULL
        GROUP BY sku, location
    ) AS log USING (sku, location)
    WHERE level.state - holdfast_state(coalesce(base.version, 0), coalesce(base.total, 0), coalesce(base.reserved, 0), coalesce(base.allocated, 0))
          IS DISTINCT FROM coalesce(log.way, 0)
       OR log.way IS NULL AND base.version IS NULL
),
broken AS MATERIALIZED (
    SELECT suspect.*, checkpoint.version AS checkpoint, log.way IS NOT NULL AS has_entries
    FROM suspect
    CROSS JOIN LATERAL (
        SELECT coalesce(max(version), 0) AS version FROM audit_log
        WHERE sku = suspect.sku AND location = suspect.location AND version > suspect.version AND action = 'REPAIRED'
    ) AS checkpoint
    CROSS JOIN LATERAL (
        SELECT sum(CASE WHEN version < checkpoint.version THEN holdfast_state(version, 0, 0, 0)
                        ELSE holdfast_state(version, total, reserved, allocated) END)
               - sum(CASE WHEN version <= checkpoint.version THEN holdfast_state(version - 1, 0, 0, 0)
                          ELSE holdfast_state(version - 1, total - total_delta, reserved - reserved_delta, allocated - allocated_delta) END) AS way
        FROM audit_log
        WHERE sku = suspect.sku AND location = suspect.location AND version > suspect.version
    ) AS log
    WHERE suspect.state - CASE WHEN checkpoint.version > 0 THEN holdfast_state(suspect.version, 0, 0, 0)
                               ELSE holdfast_state(suspect.version, total, reserved, allocated) END
          IS DISTINCT FROM coalesce(log.way, 0)
       OR log.way IS NULL AND suspect.version = 0
),
judged AS MATERIALIZED (
    SELECT broken.*, drift.total AS total_drift, drift.reserved AS reserved_drift, drift.allocated AS allocated_drift,
           drift.is_repairable, drift.counted_version
    FROM broken
    LEFT JOIN LATERAL (
        SELECT total, reserved, allocated, is_contiguous AND is_repairable AS is_repairable, counted_version
        FROM stock_drift
        WHERE sku = broken.sku AND location = broken.location
        OFFSET 0 -- each by its key: the planner expects far more of them
    ) AS drift ON true
)
SELECT judged.sku, judged.location, NULL::uuid AS reservation_id,
       wrong.expected, wrong.actual, wrong.detail,
       coalesce(wrong.is_drift AND is_repairable, false) AS repairable
FROM judged
CROSS JOIN LATERAL (
    SELECT link.*,
           lag(version, 1, judged.version) OVER chain AS version_before,
           lag(total, 1, judged.total) OVER chain AS total_before,
           lag(reserved, 1, judged.reserved) OVER chain AS reserved_before,
           lag(allocated, 1, judged.allocated) OVER chain AS allocated_before,
           lead(version) OVER chain IS NULL AS is_last
    FROM (
        SELECT false AS is_level, version, total, reserved, allocated,
               total_delta, reserved_delta, allocated_delta
        FROM audit_log
        WHERE sku = judged.sku AND location = judged.location AND version > judged.version
        UNION ALL
        SELECT true, version, total, reserved, allocated, 0, 0, 0
        FROM stock_levels
        WHERE sku = judged.sku AND location = judged.location
    ) AS link
    WINDOW chain AS (ORDER BY is_level, version)
) AS link
CROSS JOIN LATERAL (
    SELECT version_before + CASE WHEN is_level THEN 0 ELSE 1 END AS version_due,
           is_level OR link.version > checkpoint AS is_counted,
           CASE WHEN is_level THEN ' of the stock level is not that of the last audit entry'
                ELSE ' of audit entry ' || link.version || ' is not the one before plus its delta' END AS breaks
) AS place
CROSS JOIN LATERAL (VALUES
    (is_level AND NOT has_entries AND judged.version = 0,
        NULL::bigint, NULL::bigint, 'a stock level without audit entries', false),
    (is_last AND NOT is_level,
        NULL, NULL, 'audit entries up to version ' || link.version || ' without a stock level', false),
    (link.version <> version_due AND is_level AND (has_entries OR judged.version > 0),
        version_due, link.version, 'version' || breaks, false),
    (link.version <> version_due AND NOT is_level,
        version_due, link.version, 'audit entry ' || link.version || ' does not follow ' || version_before, false),
    (is_counted AND link.version = version_due AND link.total IS DISTINCT FROM total_before + total_delta,
        total_before + total_delta, link.total, 'total' || breaks, total_drift <> 0 OR link.version <= counted_version),
    (is_counted AND link.version = version_due AND link.reserved IS DISTINCT FROM reserved_before + reserved_delta,
        reserved_before + reserved_delta, link.reserved, 'reserved' || breaks, reserved_drift <> 0),
    (is_counted AND link.version = version_due AND link.allocated IS DISTINCT FROM allocated_before + allocated_delta,
        allocated_before + allocated_delta, link.allocated, 'allocated' || breaks, allocated_drift <> 0)
) AS wrong (found, expected, actual, detail, is_drift)
WHERE wrong.found

UNION ALL

SELECT sku, location, NULL, NULL, NULL, 'a base up to version ' || version || ' without a stock level', false
FROM judged
WHERE state IS NULL AND NOT has_entries
