-- The buckets of SKUs in which a level may break RESERVED_MATCHES_LINES or
-- ALLOCATED_MATCHES_LINES. Units count with a hash of their level.
SELECT bucket, level.reserved IS DISTINCT FROM line.reserved AS reserved_suspect,
       level.allocated IS DISTINCT FROM line.allocated AS allocated_suspect
FROM (
    SELECT hashtext(sku) & 255 AS bucket,
           sum(reserved::numeric * hashtext(sku || ' ' || location)) AS reserved,
           sum(allocated::numeric * hashtext(sku || ' ' || location)) AS allocated
    FROM stock_levels
    GROUP BY bucket
) AS level
FULL JOIN (
    SELECT hashtext(sku) & 255 AS bucket,
           coalesce(sum(quantity::bigint * hashtext(sku || ' ' || location)) FILTER (WHERE status = 'HELD'), 0) AS reserved,
           coalesce(sum(quantity::bigint * hashtext(sku || ' ' || location)) FILTER (WHERE status = 'ALLOCATED'), 0) AS allocated
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE status IN ('HELD', 'ALLOCATED')
    GROUP BY bucket
) AS line USING (bucket)
WHERE coalesce(level.reserved, 0) <> coalesce(line.reserved, 0) OR coalesce(level.allocated, 0) <> coalesce(line.allocated, 0)
