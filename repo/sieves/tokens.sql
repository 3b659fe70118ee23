-- What the log says of the effects of settled client tokens that are no
-- reservations, less what the tokens say of all; and whether a change of stock has no token.
SELECT (SELECT coalesce(sum(uuid_hash_extended(token_key, uuid_hash_extended(command_id, 0))), 0)
        FROM audit_log WHERE token_key IS NOT NULL AND command_id < (SELECT command_id FROM settled))
       - (SELECT coalesce(sum(uuid_hash_extended(key, uuid_hash_extended(command_id, 0))), 0)
          FROM client_tokens WHERE command_id < (SELECT command_id FROM settled)) AS effects,
       EXISTS (SELECT FROM audit_log WHERE token_key IS NULL AND action IN ('ADJUSTED', 'SET')) AS has_tokenless
