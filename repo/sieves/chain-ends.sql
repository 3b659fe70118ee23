-- How far the levels in each bucket have come, to be taken away from how far
-- their entries lead: from what the levels are to what they began from. No level
-- is as it began, so that one of version 0 must not come to nothing.
SELECT hashtext(sku) & 255 AS bucket,
       coalesce(sum(holdfast_state(base.version, base.total, base.reserved, base.allocated) # hashtextextended(sku, hashtextextended(location, 0))), 0)
       + coalesce(sum(holdfast_state(0, 0, 0, 0) # hashtextextended(sku, hashtextextended(location, 0))) FILTER (WHERE base.version IS NULL), 0)
       - coalesce(sum(holdfast_state(level.version, level.total, level.reserved, level.allocated) # hashtextextended(sku, hashtextextended(location, 0))), 0)
       + count(*) FILTER (WHERE level.version = 0) AS way
FROM stock_levels AS level
FULL JOIN base_levels AS base USING (sku, location)
GROUP BY bucket
