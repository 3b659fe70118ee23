-- What the client tokens that are settled say of their effects, less what the
-- audit log says of those that are not reservations; and whether there is a
-- change of stock without one.
SELECT (SELECT coalesce(sum(uuid_hash_extended(key, uuid_hash_extended(command_id, 0))), 0)
        FROM client_tokens WHERE command_id < (SELECT command_id FROM settled))
       - (SELECT coalesce(sum(uuid_hash_extended(token_key, uuid_hash_extended(command_id, 0))), 0)
          FROM audit_log WHERE token_key IS NOT NULL AND command_id < (SELECT command_id FROM settled)) AS tokens,
       EXISTS (SELECT FROM audit_log WHERE token_key IS NULL AND action IN ('ADJUSTED', 'SET')) AS tokenless
