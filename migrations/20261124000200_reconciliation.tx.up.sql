-- Entries that settle what the total is, whatever it was before. A REPAIRED one is
-- a checkpoint for the other counters too. They are few, and holds write none.
CREATE INDEX audit_log_settled ON audit_log (sku, location, version) WHERE action IN ('REPAIRED', 'SET');

-- The levels of the one snapshot that stands for the audit entries before it,
-- which are no longer kept.
CREATE VIEW base_levels AS
SELECT level.sku, level.location, level.total, level.reserved, level.allocated, level.version
FROM snapshot_levels AS level
JOIN snapshots ON snapshots.id = level.snapshot_id
WHERE snapshots.is_base;

-- A number for a state of a stock level, such as an audit entry leads to.
CREATE FUNCTION holdfast_state(version bigint, total bigint, reserved bigint, allocated bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN hashint8extended(allocated, hashint8extended(reserved, hashint8extended(total, version)));

-- The drift of each stock level: its counters minus the truth. Lines are the
-- truth for reserved and allocated. For the total it is what was done to it, as
-- the audit log has it: the deltas since it was last settled, since the base, or
-- from nothing. With an entry missing there is no telling, and the total counts
-- as right.
--
-- A row of it is read in one snapshot. A command changes counters and truth by
-- the same, so that the drift stays what it was however much happens meanwhile,
-- until the total is settled anew. It can be repaired if the truth does not break
-- a rule of its own. The counted version is that of the entry which settled the
-- total, where that was a count.
CREATE VIEW stock_drift AS
SELECT level.sku, level.location,
       chain.drift AS total, level.reserved - lines.held AS reserved, level.allocated - lines.allocated AS allocated,
       lines.held + lines.allocated <= level.total - chain.drift AND level.total - chain.drift <= 9007199254740991 AS is_repairable,
       chain.is_contiguous, coalesce(settled.version, 0) AS settled_version,
       CASE WHEN settled.action = 'SET' THEN settled.version ELSE 0 END AS counted_version
FROM stock_levels AS level
LEFT JOIN base_levels AS base ON base.sku = level.sku AND base.location = level.location
LEFT JOIN LATERAL (
    SELECT version, total, action FROM audit_log AS entry
    WHERE entry.sku = level.sku AND entry.location = level.location AND action IN ('REPAIRED', 'SET')
    ORDER BY version DESC
    LIMIT 1
) AS settled ON true
CROSS JOIN LATERAL (
    SELECT is_contiguous, CASE WHEN is_contiguous THEN level.total - (start + changes)::bigint ELSE 0 END AS drift
    FROM (
        SELECT count(*) = level.version - coalesce(base.version, 0) AND coalesce(max(version), base.version) = level.version AS is_contiguous,
               CASE WHEN settled.version > coalesce(base.version, 0) THEN settled.total ELSE coalesce(base.total, 0) END AS start,
               coalesce(sum(total_delta) FILTER (WHERE version > coalesce(settled.version, 0)), 0) AS changes
        FROM audit_log AS entry
        WHERE entry.sku = level.sku AND entry.location = level.location AND entry.version > coalesce(base.version, 0)
    ) AS entries
) AS chain
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (WHERE status = 'HELD'), 0)::bigint AS held,
           coalesce(sum(quantity) FILTER (WHERE status = 'ALLOCATED'), 0)::bigint AS allocated
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE line.sku = level.sku AND line.location = level.location
) AS lines;
