-- What the lists need to answer any page of any filter from an index.

-- Reservations: newest first is by id, which is made from the time.

CREATE INDEX reservations_status ON reservations (status, id);
CREATE INDEX reservations_holder ON reservations (holder, id) WHERE holder IS NOT NULL;
CREATE INDEX reservations_reference ON reservations (reference, id) WHERE reference IS NOT NULL;

-- The audit log. A hold's entry enters the first of these alone: the others
-- leave out what is frequent by nature, and so is soon met along the key.

CREATE INDEX audit_log_sku ON audit_log (sku, id) WHERE sku IS NOT NULL;
CREATE INDEX audit_log_action ON audit_log (action, id) WHERE action <> 'HELD';
CREATE INDEX audit_log_location ON audit_log (location, id) WHERE location <> 'default';

-- An id such that the entry before it is of an earlier moment, and the entry at
-- it is not; ids that are no longer there are passed over. Entries that were
-- written side by side lie in another order than their moments, by as much as
-- a transaction lasts.
CREATE FUNCTION holdfast_entry_at(moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low    bigint := coalesce((SELECT min(id) FROM audit_log), 0);
    high   bigint := coalesce((SELECT max(id) FROM audit_log), 0) + 1;
    middle bigint;
    found  record;
BEGIN
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT id, at INTO found FROM audit_log WHERE id >= middle ORDER BY id LIMIT 1;
        IF found.at < moment THEN
            low := found.id + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

-- SKUs by the words of their code and name. The parsers of text search would
-- take "1.5" or "a/b" for one word. To ICU a symbol isn't punctuation, as it is to
-- other collations, so that those of ASCII are named.
CREATE FUNCTION holdfast_words(string text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(regexp_split_to_array(lower(string COLLATE "default"), '[[:space:][:punct:]$+<=>^`|~]+'), '');

-- SKUs by what is available. An index over the counters would cost each hold
-- its update in place; one over bands of them costs only those that cross into
-- another band. The bands begin at round numbers, for those are asked for.
CREATE FUNCTION holdfast_band(available bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN width_bucket(available, '{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
    100000, 200000, 500000, 1000000}'::bigint[])::smallint;

ALTER TABLE stock_levels ADD COLUMN band smallint NOT NULL
    GENERATED ALWAYS AS (holdfast_band(total - reserved - allocated)) STORED;
CREATE INDEX stock_levels_band ON stock_levels (band, sku);

-- Nothing is available of a SKU that has no stock level, so that it has no band
-- either.
ALTER TABLE skus ADD COLUMN stocked boolean NOT NULL DEFAULT false;
UPDATE skus SET stocked = true WHERE EXISTS (SELECT FROM stock_levels AS l WHERE l.sku = skus.sku);
CREATE INDEX skus_unstocked ON skus (sku) WHERE NOT stocked;
ALTER TABLE skus ADD COLUMN words tsvector NOT NULL
    GENERATED ALWAYS AS (array_to_tsvector(holdfast_words(sku || ' ' || name))) STORED;
CREATE INDEX skus_words ON skus USING gin (words);

-- A trigger, so that it holds for whoever makes a level. It runs at the end of
-- the save: SKUs come last in the lock order.
CREATE FUNCTION holdfast_stock_skus() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM skus WHERE sku IN (SELECT sku FROM made) AND NOT stocked ORDER BY sku FOR NO KEY UPDATE;
    UPDATE skus SET stocked = true WHERE sku IN (SELECT sku FROM made) AND NOT stocked;
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_levels_stock_skus AFTER INSERT ON stock_levels
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION holdfast_stock_skus();
