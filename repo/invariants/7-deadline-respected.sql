-- A hold is converted only before its deadline, and expires only from it on. The
-- deadline is the one in force when it was completed: an extension moves it only
-- while it is held. The closing entries are of the same moment: CLOSED_ONCE.
SELECT NULL AS sku, NULL AS location, id AS reservation_id,
       NULL::bigint AS expected, NULL::bigint AS actual,
       CASE WHEN status = 'EXPIRED' THEN 'expired before its deadline'
            ELSE 'converted after its deadline' END AS detail,
       false AS repairable
FROM reservations
WHERE CASE WHEN status = 'EXPIRED' THEN completed_at < expires_at
           WHEN status IN ('ALLOCATED', 'FULFILLED', 'CANCELLED') THEN completed_at >= expires_at END
