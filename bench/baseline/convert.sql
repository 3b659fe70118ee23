-- A hold as in hold.sql, and then its conversion in a transaction of its own. As
-- everywhere the reservation is locked before the level.
\set n random(0, :skus - 1)
BEGIN;
SELECT sku, total, reserved, allocated, version FROM stock_levels
WHERE sku = 'bench-' || lpad(:n::text, 5, '0') AND location = 'default' FOR UPDATE \gset
INSERT INTO reservations (client_token, status, created_at, expires_at)
VALUES (gen_random_uuid()::text, 'HELD', now(), now() + interval '15 minutes') RETURNING id \gset
INSERT INTO reservation_lines (reservation_id, sku, location, quantity) VALUES (:id, :sku, 'default', 1);
INSERT INTO audit_log (at, action, sku, location, reservation_id, reserved_delta, allocated_delta, total, reserved, allocated, version, actor)
VALUES (now(), 'HELD', :sku, 'default', :id, 1, 0, :total, :reserved + 1, :allocated, :version + 1, 'default');
UPDATE stock_levels SET reserved = reserved + 1, version = version + 1, updated_at = now()
WHERE sku = :sku AND location = 'default';
COMMIT;
BEGIN;
SELECT status, expires_at > now() AS is_in_time FROM reservations WHERE id = :id FOR UPDATE;
SELECT sku, total, reserved, allocated, version FROM stock_levels WHERE sku = :sku AND location = 'default' FOR UPDATE \gset
UPDATE reservations SET status = 'ALLOCATED', completed_at = now() WHERE id = :id;
INSERT INTO audit_log (at, action, sku, location, reservation_id, reserved_delta, allocated_delta, total, reserved, allocated, version, actor)
VALUES (now(), 'CONVERTED', :sku, 'default', :id, -1, 1, :total, :reserved - 1, :allocated + 1, :version + 1, 'default');
UPDATE stock_levels SET reserved = reserved - 1, allocated = allocated + 1, version = version + 1, updated_at = now()
WHERE sku = :sku AND location = 'default';
COMMIT;
