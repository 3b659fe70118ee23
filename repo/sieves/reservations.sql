-- Whether a reservation may lack lines or entries, or have others than its state
-- tells; and what the settled ones say of their client tokens.
--
-- Each line asks for an opening entry of its units, and for a closing and an
-- ending one as its reservation's state tells. What is asked for and what the log
-- has are added up, as hashes. Likewise the lines and the number of them that the
-- headers know; and extensions, and the revisions that nothing else explains.
WITH line AS (
    SELECT coalesce(sum(hashtextextended(opening, units)), 0)
           + coalesce(sum(timestamp_hash_extended(completed_at AT TIME ZONE 'UTC', hashtextextended(closing, units))), 0)
           + coalesce(sum(hashtextextended(ending, units)), 0) AS entries,
           coalesce(sum(uuid_hash(reservation_id)), 0) AS lines
    FROM (
        SELECT line.reservation_id, reservation.completed_at,
               hashtextextended(line.sku, hashtextextended(line.location, uuid_hash_extended(line.reservation_id, line.quantity))) AS units,
               CASE WHEN expires_at IS NULL AND status <> 'HELD' THEN 'ALLOCATED' ELSE 'HELD' END AS opening,
               CASE WHEN status IN ('RELEASED', 'EXPIRED') THEN status
                    WHEN status <> 'HELD' AND expires_at IS NOT NULL THEN 'CONVERTED' END AS closing,
               CASE WHEN status IN ('FULFILLED', 'CANCELLED') THEN status END AS ending
        FROM reservation_lines AS line
        LEFT JOIN reservations AS reservation ON reservation.id = line.reservation_id
    ) AS line
), entry AS (
    SELECT coalesce(sum(CASE WHEN action IN ('CONVERTED', 'RELEASED', 'EXPIRED')
                                 THEN timestamp_hash_extended(at AT TIME ZONE 'UTC', hashtextextended(action, units))
                             WHEN action <> 'EXTENDED' THEN hashtextextended(action, units) END), 0) AS entries,
           coalesce(sum(uuid_hash(reservation_id)) FILTER (WHERE action = 'EXTENDED'), 0) AS extensions
    FROM (
        SELECT reservation_id, action, at,
               hashtextextended(sku, hashtextextended(location, uuid_hash_extended(reservation_id,
                   CASE WHEN action IN ('HELD', 'ALLOCATED') THEN reserved_delta + allocated_delta
                        WHEN action IN ('FULFILLED', 'CANCELLED') THEN -allocated_delta
                        ELSE -reserved_delta END))) AS units
        FROM audit_log
        WHERE reservation_id IS NOT NULL
    ) AS entry
), header AS (
    SELECT coalesce(sum(uuid_hash(id)::bigint * line_count), 0) AS lines,
           coalesce(sum(uuid_hash(id)::bigint * (revision - CASE
               WHEN status = 'HELD' OR status = 'ALLOCATED' AND expires_at IS NULL THEN 1
               WHEN status IN ('FULFILLED', 'CANCELLED') AND expires_at IS NOT NULL THEN 3
               ELSE 2 END)), 0) AS extensions,
           count(*) FILTER (WHERE status = 'HELD' AND expires_at IS NULL
               OR (completed_at IS NULL) <> (status = 'HELD' OR expires_at IS NULL)) AS broken,
           coalesce(sum(uuid_hash_extended(holdfast_token_key(principal, client_token), uuid_hash_extended(id, 0)))
               FILTER (WHERE id < (SELECT command_id FROM settled)), 0) AS effects
    FROM reservations
)
SELECT line.entries <> entry.entries OR line.lines <> header.lines OR header.extensions <> entry.extensions
       OR header.broken > 0 AS is_suspect,
       header.effects
FROM line, entry, header
