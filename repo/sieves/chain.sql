-- How far the audit entries of the levels in each bucket lead: what they come
-- to, less what they set out from, each as a hash that is told apart by its
-- level.
SELECT bucket,
       sum(holdfast_state(version, total, reserved, allocated) # level)
       - sum(holdfast_state(version - 1, total - total_delta, reserved - reserved_delta, allocated - allocated_delta) # level) AS way
FROM (
    SELECT hashtext(sku) & 255 AS bucket, hashtextextended(sku, hashtextextended(location, 0)) AS level,
           version, total, reserved, allocated, total_delta, reserved_delta, allocated_delta
    FROM audit_log
    WHERE version IS NOT NULL AND sku IS NOT NULL AND location IS NOT NULL
    OFFSET 0 -- the hash of a level is worked out once
) AS entry
GROUP BY bucket
