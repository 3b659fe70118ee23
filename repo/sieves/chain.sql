-- How far the audit entries of the levels in each bucket lead: what they come
-- to, less what they set out from. In a whole chain all cancels out but where it
-- begins and ends.
SELECT bucket,
       sum(hashint8extended(version, hashint8extended(total, hashint8extended(reserved, hashint8extended(allocated, level)))))
       - sum(hashint8extended(version - 1, hashint8extended(total - total_delta,
           hashint8extended(reserved - reserved_delta, hashint8extended(allocated - allocated_delta, level))))) AS way
FROM (
    SELECT hashtext(sku) & 255 AS bucket, hashtextextended(sku, hashtextextended(location, 0)) AS level,
           version, total, reserved, allocated, total_delta, reserved_delta, allocated_delta
    FROM audit_log
    WHERE version IS NOT NULL
    OFFSET 0
) AS entry
GROUP BY bucket
