-- Reservations as the server makes them, of the SKUs from ?0 to ?1, which are ?2
-- in number: ?4 of them, the first numbered ?3. One in ten is held for a day yet,
-- the others were allocated. All is written that belongs to one, so that the
-- consistency check stays clean.
WITH made AS MATERIALIZED (
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || left(replace(gen_random_uuid()::text, '-', ''), 15))::uuid AS id,
           'existing-' || ?5 || '-' || n AS client_token,
           sku, location, at, n % 10 = 0 AS is_held,
           level.total, level.version + count(*) OVER earlier AS version,
           level.reserved + count(*) FILTER (WHERE n % 10 = 0) OVER earlier AS reserved,
           level.allocated + count(*) FILTER (WHERE n % 10 <> 0) OVER earlier AS allocated
    FROM (SELECT n, clock_timestamp() AS at, n / 7 % ?2 AS place FROM generate_series(?3::bigint, ?3 + ?4 - 1) AS n) AS numbers
    JOIN (
        SELECT *, row_number() OVER (ORDER BY sku) - 1 AS place
        FROM stock_levels
        WHERE sku BETWEEN ?0 AND ?1 AND location = 'default'
    ) AS level USING (place)
    WINDOW earlier AS (PARTITION BY place ORDER BY n ROWS UNBOUNDED PRECEDING)
),
levels AS (
    UPDATE stock_levels AS level SET version = last.version, reserved = last.reserved, allocated = last.allocated, updated_at = last.at
    FROM (SELECT DISTINCT ON (sku) * FROM made ORDER BY sku, version DESC) AS last
    WHERE level.sku = last.sku AND level.location = last.location
),
tokens AS (
    INSERT INTO client_tokens (key, principal, action, fields, command_id, created_at)
    SELECT holdfast_token_key('default', client_token), 'default', CASE WHEN is_held THEN 'HELD' ELSE 'ALLOCATED' END,
           jsonb_build_object('lines', left(md5(client_token), 12)), id, at
    FROM made
),
headers AS (
    INSERT INTO reservations (id, principal, client_token, status, revision, line_count, created_at, expires_at)
    SELECT id, 'default', client_token, CASE WHEN is_held THEN 'HELD' ELSE 'ALLOCATED' END, 1, 1, at,
           CASE WHEN is_held THEN at + interval '1 day' END
    FROM made ORDER BY id
),
lines AS (
    INSERT INTO reservation_lines (reservation_id, sku, location, quantity)
    SELECT id, sku, location, 1 FROM made ORDER BY id
)
INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
    total, reserved, allocated, version, actor, command_id)
SELECT at, CASE WHEN is_held THEN 'HELD' ELSE 'ALLOCATED' END, sku, location, id, 0,
       CASE WHEN is_held THEN 1 ELSE 0 END, CASE WHEN is_held THEN 0 ELSE 1 END,
       total, reserved, allocated, version, 'default', id
FROM made ORDER BY id
