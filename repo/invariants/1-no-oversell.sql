-- No oversell: no counter of a stock level is negative, and what is reserved
-- and allocated never exceeds the total.
--
-- A CHECK constraint says the same. It is asked again here because a constraint
-- can be dropped, or be declared NOT VALID over rows that break it.
SELECT level.sku, level.location, NULL::uuid AS reservation_id,
       wrong.expected, wrong.actual, wrong.detail, false AS repairable
FROM stock_levels AS level
CROSS JOIN LATERAL (VALUES
    (total < 0, 0, total, 'total is negative'),
    (reserved < 0, 0, reserved, 'reserved is negative'),
    (allocated < 0, 0, allocated, 'allocated is negative'),
    (reserved + allocated > total, total, reserved + allocated, 'more is reserved and allocated than there is')
) AS wrong (found, expected, actual, detail)
WHERE (total < 0 OR reserved < 0 OR allocated < 0 OR reserved + allocated > total)
  AND wrong.found
