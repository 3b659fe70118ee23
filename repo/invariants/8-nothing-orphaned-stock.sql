-- A stock level has a SKU and a location. It has no foreign key to either: the
-- rows that every hold changes would then carry locks of others.
SELECT level.sku, level.location, NULL::uuid AS reservation_id,
       NULL::bigint AS expected, NULL::bigint AS actual,
       CASE WHEN skus.sku IS NULL THEN 'a stock level of a SKU that does not exist'
            ELSE 'a stock level at a location that does not exist' END AS detail,
       false AS repairable
FROM stock_levels AS level
LEFT JOIN skus USING (sku)
LEFT JOIN locations ON locations.code = level.location
WHERE skus.sku IS NULL OR locations.code IS NULL
