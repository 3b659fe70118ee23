-- A client token has exactly one effect: either the reservation that has the id
-- of its command, or the one audit entry that bears its key. And what must be
-- made under a token is the effect of one: each reservation, and each change of
-- stock by hand.
--
-- Two reservations that say they were made under one token have one key, and so
-- the token of that key names only one of them.
SELECT entry.sku, entry.location, reservation.id AS reservation_id,
       nullif(1, effects) AS expected, nullif(effects, 1) AS actual,
       detail, false AS repairable
FROM client_tokens AS token
FULL JOIN reservations AS reservation ON reservation.id = token.command_id
FULL JOIN (
    SELECT token_key, sku, location, command_id, count(*) OVER (PARTITION BY token_key) AS count
    FROM audit_log
    WHERE token_key IS NOT NULL
) AS entry ON entry.token_key = token.key
CROSS JOIN LATERAL (
    SELECT CASE WHEN token.key IS NULL THEN 0
                ELSE (reservation.id IS NOT NULL)::integer + coalesce(entry.count, 0) END AS effects
) AS counted
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN token.key IS NULL AND reservation.id IS NOT NULL
            THEN 'a reservation without a client token of its own'
        WHEN token.key IS NULL
            THEN 'a change of stock whose client token is not kept'
        WHEN effects = 0
            THEN 'the client token ' || token.key || ' has no effect'
        WHEN effects > 1
            THEN 'the client token ' || token.key || ' has several effects'
        WHEN token.command_id <> entry.command_id
            THEN 'a change of stock by another command than its client token names'
        WHEN token.key <> holdfast_token_key(reservation.principal, reservation.client_token)
            THEN 'a reservation made under another client token than it says'
    END AS detail
) AS fault
WHERE detail IS NOT NULL

UNION ALL

-- An index has just these entries. As long as there are none it costs nothing.
SELECT sku, location, NULL, 1, 0, 'a change of stock without a client token', false
FROM audit_log
WHERE token_key IS NULL AND action IN ('ADJUSTED', 'SET')
