-- The allocated units of a stock level are the sum of its lines in ALLOCATED
-- reservations.
--
-- The lines are the truth: they never change, and each has an owner. The counter
-- can be set right from them, unless that would oversell the level.
SELECT sku, location, NULL::uuid AS reservation_id,
       coalesce(lines.quantity, 0) AS expected, level.allocated AS actual,
       CASE WHEN level.sku IS NULL THEN 'ALLOCATED lines without a stock level'
            ELSE 'allocated is not the sum of the ALLOCATED lines' END AS detail,
       level.sku IS NOT NULL AND coalesce(lines.quantity, 0) + reserved <= total AS repairable
FROM stock_levels AS level
FULL JOIN (
    SELECT line.sku, line.location, sum(line.quantity) AS quantity
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE reservations.status = 'ALLOCATED'
    GROUP BY line.sku, line.location
) AS lines USING (sku, location)
WHERE level.allocated IS DISTINCT FROM coalesce(lines.quantity, 0)
