-- The reserved units of a stock level are the sum of its lines in HELD
-- reservations.
--
-- The lines are the truth: they never change, and each has an owner. The counter
-- can be set right from them, unless the level would be oversold even with all of
-- its counters set right.
SELECT sku, location, NULL::uuid AS reservation_id,
       coalesce(lines.quantity, 0) AS expected, level.reserved AS actual,
       CASE WHEN level.sku IS NULL THEN 'HELD lines without a stock level'
            ELSE 'reserved is not the sum of the HELD lines' END AS detail,
       coalesce(drift.is_repairable, false) AS repairable
FROM stock_levels AS level
FULL JOIN (
    SELECT line.sku, line.location, sum(line.quantity) AS quantity
    FROM reservation_lines AS line
    JOIN reservations ON reservations.id = line.reservation_id
    WHERE reservations.status = 'HELD'
    GROUP BY line.sku, line.location
) AS lines USING (sku, location)
LEFT JOIN LATERAL (
    SELECT is_repairable FROM stock_drift
    WHERE sku = level.sku AND location = level.location
    OFFSET 0 -- each by its key: the planner expects far more of them
) AS drift ON true
WHERE level.reserved IS DISTINCT FROM coalesce(lines.quantity, 0)
