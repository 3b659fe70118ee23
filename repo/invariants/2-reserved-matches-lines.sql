-- The reserved units of a stock level are the sum of its lines in HELD
-- reservations.
--
-- The lines are the truth: they never change, and each has an owner. The counter
-- can be set right from them, unless that would oversell the level.
SELECT sku, location, NULL::uuid AS reservation_id,
       coalesce(lines.quantity, 0) AS expected, level.reserved AS actual,
       CASE WHEN level.sku IS NULL THEN 'HELD lines without a stock level'
            ELSE 'reserved is not the sum of the HELD lines' END AS detail,
       level.sku IS NOT NULL AND coalesce(lines.quantity, 0) + allocated <= total AS repairable
FROM stock_levels AS level
FULL JOIN (
    SELECT line.sku, line.location, sum(line.quantity) AS quantity
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE reservations.status = 'HELD'
    GROUP BY line.sku, line.location
) AS lines USING (sku, location)
WHERE level.reserved IS DISTINCT FROM coalesce(lines.quantity, 0)
