-- The buckets in which the counters of the levels are not the sums of their
-- lines. Units count with a hash of their level.
SELECT bucket
FROM (
    SELECT hashtext(sku) & 255 AS bucket,
           sum(reserved::numeric * hashtextextended(sku, hashtextextended(location, 0))) AS reserved,
           sum(allocated::numeric * hashtextextended(sku, hashtextextended(location, 0))) AS allocated
    FROM stock_levels
    GROUP BY bucket
) AS level
FULL JOIN (
    SELECT hashtext(sku) & 255 AS bucket,
           sum(quantity::numeric * hashtextextended(sku, hashtextextended(location, 0))) FILTER (WHERE status = 'HELD') AS reserved,
           sum(quantity::numeric * hashtextextended(sku, hashtextextended(location, 0))) FILTER (WHERE status = 'ALLOCATED') AS allocated
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE status IN ('HELD', 'ALLOCATED')
    GROUP BY bucket
) AS line USING (bucket)
WHERE coalesce(level.reserved, 0) <> coalesce(line.reserved, 0)
   OR coalesce(level.allocated, 0) <> coalesce(line.allocated, 0)
