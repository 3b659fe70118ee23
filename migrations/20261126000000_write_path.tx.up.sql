-- What a group of commands locks, reads and writes. A server sends statements
-- that are planned anew each time; in a procedure each is planned once a
-- connection. That was two thirds of what the save of a command alone took here,
-- and a fifth of a large group's.
--
-- A plan is kept while tables grow: one that was made while a table had few rows
-- must not read it from end to end later, nor a whole index. Where there is little
-- to read the planner finds all ways equal, so it is left no choice. What is read
-- by its key is asked for in the order of the key, where nothing may be sorted:
-- that is to be had from the key's index alone. It is looked up LATERAL, one by
-- one, and the ORDER BY keeps the planner from making a join of it. An update can't
-- be put so: its rows are found where only a bitmap scan is allowed, which needs
-- something to look up.

-- The keys of every level of some SKUs, and some others.
CREATE FUNCTION holdfast_level_keys(whole_skus text[], level_skus text[], level_locations text[])
RETURNS TABLE (sku text, location text) LANGUAGE sql STABLE AS $$
    SELECT l.sku, l.location FROM unnest(whole_skus) AS named (sku)
    CROSS JOIN LATERAL (SELECT l.sku, l.location FROM stock_levels AS l WHERE l.sku = named.sku ORDER BY l.location) AS l
    UNION SELECT k.sku, k.location FROM unnest(level_skus, level_locations) AS k (sku, location)
$$;

-- The keys of the levels of some reservations' lines.
CREATE FUNCTION holdfast_line_keys(reservation_ids uuid[])
RETURNS TABLE (sku text, location text) LANGUAGE sql STABLE AS $$
    SELECT line.sku, line.location FROM unnest(reservation_ids) AS named (id)
    CROSS JOIN LATERAL (
        SELECT l.sku, l.location FROM reservation_lines AS l WHERE l.reservation_id = named.id ORDER BY l.sku, l.location) AS line
$$;

-- A SKU's particulars are apart from the other SKUs, so that a hold doesn't read
-- what may be long.
CREATE FUNCTION holdfast_particulars(codes text[]) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT json_agg(p) FROM (SELECT s.sku, s.name, s.metadata, s.command_id, s.created_at FROM skus AS s WHERE s.sku = ANY(codes)) AS p);
END
$$;

-- The end of a log is for repairs. A base stands for the entries before it.
CREATE FUNCTION holdfast_log_ends(level_skus text[], level_locations text[]) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
BEGIN
    RETURN (SELECT json_agg(e) FROM (
        SELECT k.sku, k.location, last.total, last.reserved, last.allocated, settled.version AS settled_version, settled.command_id AS settled_by
        FROM unnest(level_skus, level_locations) AS k (sku, location)
        LEFT JOIN LATERAL (
            (SELECT a.version, a.total, a.reserved, a.allocated FROM audit_log AS a
            WHERE a.sku = k.sku AND a.location = k.location AND a.version IS NOT NULL ORDER BY a.version DESC LIMIT 1)
            UNION ALL SELECT b.version, b.total, b.reserved, b.allocated FROM base_levels AS b WHERE b.sku = k.sku AND b.location = k.location
            ORDER BY version DESC LIMIT 1) AS last ON true
        LEFT JOIN LATERAL (SELECT a.version, a.command_id FROM audit_log AS a
            WHERE a.sku = k.sku AND a.location = k.location AND a.action IN ('REPAIRED', 'SET') ORDER BY a.version DESC LIMIT 1) AS settled ON true) AS e);
END
$$;

-- Which commands that were run before, on these reservations, have been committed.
CREATE FUNCTION holdfast_committed(reservation_ids uuid[], tried_ids uuid[]) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT json_agg(DISTINCT a.command_id) FROM audit_log AS a WHERE a.reservation_id = ANY(reservation_ids) AND a.command_id = ANY(tried_ids));
END
$$;

-- Locks what it is told to, and then reads all that a group decides by, in one
-- snapshot that has what was committed while the locks were waited for: JSON
-- arrays of rows, or null where there are none. A reservation is read for its own
-- sake, or as what a token made. What few groups need is in functions, which cost
-- nothing where they aren't called and see what their caller does.
--
-- Levels are named by ranges: all of a SKU's whose locations are from the first to
-- the last. They are given in the order in which levels are locked, and those of
-- the reservations' lines are added. A level in two of them is locked and read
-- twice, which harms nothing.
--
-- A level that came into being while others' locks were waited for is read and
-- not locked yet. To wait for it now would be out of order: if somebody else has
-- it locked this raises, and the group is to be run again.
CREATE FUNCTION holdfast_load(
    lock_reservations boolean, lock_levels boolean,
    level_skus text[], first_locations text[], last_locations text[], reservation_ids uuid[], token_keys uuid[],
    known_skus text[], particular_skus text[], location_codes text[], end_skus text[], end_locations text[], tried_ids uuid[],
    OUT moment timestamptz, OUT levels json, OUT reservations json, OUT tokens json,
    OUT skus json, OUT particulars json, OUT locations json, OUT log_ends json, OUT committed json)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
DECLARE
    locked bigint;
    there  bigint;
BEGIN
    IF cardinality(reservation_ids) > 0 THEN
        IF lock_reservations THEN
            PERFORM FROM reservations AS r WHERE r.id = ANY(reservation_ids) ORDER BY r.id FOR NO KEY UPDATE;
        END IF;
        -- Lines never change, so that they can be read before the levels are locked.
        SELECT array_agg(k.sku), array_agg(k.first), array_agg(k.last) FROM (
            SELECT u.sku COLLATE "C" AS sku, u.first COLLATE "C" AS first, u.last
            FROM unnest(level_skus, first_locations, last_locations) AS u (sku, first, last)
            UNION SELECT l.sku, l.location, l.location FROM holdfast_line_keys(reservation_ids) AS l
            ORDER BY sku, first) AS k
        INTO level_skus, first_locations, last_locations;
    END IF;
    IF lock_levels THEN
        PERFORM FROM unnest(level_skus, first_locations, last_locations) AS k (sku, first, last)
        CROSS JOIN LATERAL (
            SELECT FROM stock_levels AS l WHERE l.sku = k.sku AND l.location >= k.first AND l.location <= k.last
            ORDER BY l.location FOR NO KEY UPDATE) AS l;
        GET DIAGNOSTICS locked = ROW_COUNT;
    END IF;

    WITH used AS MATERIALIZED (SELECT t.* FROM client_tokens AS t WHERE t.key = ANY(token_keys))
    SELECT clock_timestamp(), touched.levels, touched.count,
        (SELECT json_agg(r) FROM (
            SELECT r.*, (SELECT json_agg(l) FROM (
                SELECT l.sku, l.location, l.quantity FROM reservation_lines AS l WHERE l.reservation_id = r.id ORDER BY l.sku, l.location) AS l) AS lines
            FROM reservations AS r WHERE r.id = ANY(reservation_ids || ARRAY(SELECT u.command_id FROM used AS u)) ORDER BY r.id) AS r),
        (SELECT json_agg(u) FROM used AS u),
        (SELECT json_agg(s) FROM (SELECT s.sku, s.command_id, s.created_at FROM skus AS s WHERE s.sku = ANY(known_skus)) AS s),
        CASE WHEN cardinality(particular_skus) > 0 THEN holdfast_particulars(particular_skus) END,
        (SELECT json_agg(l.code) FROM locations AS l WHERE l.code = ANY(location_codes)),
        CASE WHEN cardinality(end_skus) > 0 THEN holdfast_log_ends(end_skus, end_locations) END,
        CASE WHEN cardinality(tried_ids) > 0 THEN holdfast_committed(reservation_ids, tried_ids) END
    FROM (
        SELECT json_agg(l) AS levels, count(*) FROM (
            SELECT l.* FROM unnest(level_skus, first_locations, last_locations) AS k (sku, first, last)
            CROSS JOIN LATERAL (
                SELECT l.sku, l.location, l.total, l.reserved, l.allocated, l.version, l.updated_at FROM stock_levels AS l
                WHERE l.sku = k.sku AND l.location >= k.first AND l.location <= k.last
                ORDER BY l.location) AS l) AS l) AS touched
    INTO moment, levels, there, reservations, tokens, skus, particulars, locations, log_ends, committed;
    IF lock_levels AND locked < there THEN
        PERFORM FROM unnest(level_skus, first_locations, last_locations) AS k (sku, first, last)
        CROSS JOIN LATERAL (
            SELECT FROM stock_levels AS l WHERE l.sku = k.sku AND l.location >= k.first AND l.location <= k.last
            ORDER BY l.location FOR NO KEY UPDATE SKIP LOCKED) AS l;
        GET DIAGNOSTICS locked = ROW_COUNT;
        PERFORM holdfast_guard('locked levels', there, least(there, locked));
    END IF;
END
$$;

-- Claims holds that are due, with deadlines of from_deadline and later, the
-- earliest first: locks them, passing over those that others have locked, and
-- those that have a line on stock to be avoided. It says what the time was, what
-- the earliest deadline was then, and, where there may be more to claim, the last
-- one that it claimed.
--
-- The bounds are known when the index is read: by a volatile function it isn't
-- bounded. The count can't be planned as a join, which would read all holds.
CREATE FUNCTION holdfast_claim(
    from_deadline timestamptz, holds_max integer, lines_max integer, avoided_skus text[], avoided_locations text[],
    OUT moment timestamptz, OUT next_deadline timestamptz, OUT reservation_ids uuid[], OUT through timestamptz)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
DECLARE
    is_all boolean;
BEGIN
    moment := clock_timestamp();
    SELECT r.expires_at FROM reservations AS r WHERE r.status = 'HELD' AND r.expires_at >= from_deadline
    ORDER BY r.expires_at, r.id LIMIT 1 INTO next_deadline;
    IF next_deadline <= moment THEN
        WITH due AS MATERIALIZED (
            SELECT r.id, r.expires_at, r.line_count FROM reservations AS r
            WHERE r.status = 'HELD' AND r.expires_at >= next_deadline AND r.expires_at <= moment
                AND (avoided_skus IS NULL OR 0 = (
                    SELECT count(*) FROM holdfast_line_keys(ARRAY[r.id]) AS l
                    JOIN unnest(avoided_skus, avoided_locations) AS u (sku, location) ON l.sku = u.sku AND l.location = u.location))
            ORDER BY r.expires_at, r.id LIMIT holds_max FOR NO KEY UPDATE SKIP LOCKED),
        counted AS (
            SELECT d.id, d.expires_at, row_number() OVER in_order AS number, sum(d.line_count) OVER in_order AS lines
            FROM due AS d WINDOW in_order AS (ORDER BY d.expires_at, d.id))
        SELECT array_agg(c.id ORDER BY c.number), max(c.expires_at), count(*) < holds_max AND count(*) = (SELECT count(*) FROM due)
        FROM counted AS c WHERE c.lines <= lines_max OR c.number = 1
        INTO reservation_ids, through, is_all;
        IF is_all THEN
            through := NULL;
        END IF;
    END IF;
END
$$;

-- Locks the levels, in the order given, that still have the version that was read.
-- If any has moved it raises, and names those.
CREATE PROCEDURE holdfast_lock_unmoved(level_skus text[], level_locations text[], versions bigint[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
DECLARE
    moved json;
BEGIN
    WITH unmoved AS MATERIALIZED (
        SELECT u.sku, u.location FROM unnest(level_skus, level_locations, versions) AS u (sku, location, version)
        CROSS JOIN LATERAL (
            SELECT FROM stock_levels AS l
            WHERE l.sku = u.sku AND l.location >= u.location AND l.location <= u.location AND l.version = u.version
            ORDER BY l.location FOR NO KEY UPDATE) AS l)
    SELECT json_agg(json_build_array(k.sku, k.location)) FROM (
        SELECT u.sku, u.location FROM unnest(level_skus, level_locations) AS u (sku, location)
        EXCEPT SELECT m.sku, m.location FROM unmoved AS m) AS k
    INTO moved;
    PERFORM holdfast_unmoved(moved);
END
$$;

-- The saves. Each writes as many rows as it is told, or raises. A row is made of a
-- value of each array. An array of one value has it for all rows: in a sale most of
-- what is written is the same for all, and to read the arrays took a sixth of what
-- PostgreSQL did for a large group. The rows of a key differ, so that where there are
-- several not every array has one value. An empty text stands for what is absent,
-- which no value can be.

CREATE PROCEDURE holdfast_update_levels(
    wanted bigint, moment timestamptz, level_skus text[], level_locations text[],
    totals bigint[], reserveds bigint[], allocateds bigint[], versions bigint[], versions_before bigint[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    done bigint;
BEGIN
    UPDATE stock_levels AS l SET total = coalesce(u.total, totals[1]), reserved = coalesce(u.reserved, reserveds[1]),
        allocated = coalesce(u.allocated, allocateds[1]), version = coalesce(u.version, versions[1]), updated_at = moment
    FROM unnest(level_skus, level_locations, totals, reserveds, allocateds, versions, versions_before)
        AS u (sku, location, total, reserved, allocated, version, version_before)
    WHERE l.sku = coalesce(u.sku, level_skus[1]) AND l.location = coalesce(u.location, level_locations[1])
        AND l.version = coalesce(u.version_before, versions_before[1]);
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('updated levels', wanted, done);
END
$$;

-- A trigger marks the SKUs that have stock now. Theirs are the only locks that come
-- before those of tokens though they rank behind, and only where a SKU gets its
-- first level.
CREATE PROCEDURE holdfast_insert_levels(
    wanted bigint, moment timestamptz, level_skus text[], level_locations text[],
    totals bigint[], reserveds bigint[], allocateds bigint[], versions bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO stock_levels (sku, location, total, reserved, allocated, version, updated_at)
    SELECT coalesce(u.sku, level_skus[1]), coalesce(u.location, level_locations[1]), coalesce(u.total, totals[1]),
        coalesce(u.reserved, reserveds[1]), coalesce(u.allocated, allocateds[1]), coalesce(u.version, versions[1]), moment
    FROM unnest(level_skus, level_locations, totals, reserveds, allocateds, versions)
        AS u (sku, location, total, reserved, allocated, version)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('new levels', wanted, done);
END
$$;

-- Another transaction may have come between with one of the tokens. The key says
-- so, at less cost than ON CONFLICT, which looks each up before it is inserted.
CREATE PROCEDURE holdfast_insert_tokens(
    wanted bigint, moment timestamptz, keys uuid[], principals text[], actions text[], field_hashes jsonb[], command_ids uuid[])
LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO client_tokens (key, principal, action, fields, command_id, created_at)
    SELECT coalesce(u.key, keys[1]), coalesce(u.principal, principals[1]), coalesce(u.action, actions[1]),
        coalesce(u.fields, field_hashes[1]), coalesce(u.command_id, command_ids[1]), moment
    FROM unnest(keys, principals, actions, field_hashes, command_ids) AS u (key, principal, action, fields, command_id);
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('tokens', wanted, done);
END
$$;

-- Those that have stock are marked here: their levels are written before, when the
-- trigger finds no SKU to mark.
CREATE PROCEDURE holdfast_insert_skus(wanted bigint, moment timestamptz, codes text[], names text[], metadatas text[], command_ids uuid[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO skus (sku, name, metadata, command_id, created_at, stocked)
    SELECT n.sku, n.name, NULLIF(n.metadata, '')::json, n.command_id, moment, 0 < (SELECT count(*) FROM holdfast_level_keys(ARRAY[n.sku], NULL, NULL))
    FROM (
        SELECT coalesce(u.sku, codes[1]) AS sku, coalesce(u.name, names[1]) AS name,
            coalesce(u.metadata, metadatas[1]) AS metadata, coalesce(u.command_id, command_ids[1]) AS command_id
        FROM unnest(codes, names, metadatas, command_ids) AS u (sku, name, metadata, command_id)
    ) AS n
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('new SKUs', wanted, done);
END
$$;

-- Writes over the particulars that were read, which have no space around their
-- metadata, and none where it is null. They are locked in the order given, for
-- nothing has locked them before.
CREATE PROCEDURE holdfast_update_skus(
    wanted bigint, codes text[], names text[], metadatas text[], names_before text[], metadatas_before text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    done bigint;
BEGIN
    UPDATE skus AS s SET name = n.name, metadata = NULLIF(n.metadata, '')::json
    FROM (
        SELECT coalesce(u.sku, codes[1]) AS sku, coalesce(u.name, names[1]) AS name, coalesce(u.metadata, metadatas[1]) AS metadata,
            coalesce(u.name_before, names_before[1]) AS name_before, coalesce(u.metadata_before, metadatas_before[1]) AS metadata_before
        FROM unnest(codes, names, metadatas, names_before, metadatas_before)
            AS u (sku, name, metadata, name_before, metadata_before)
        CROSS JOIN LATERAL (SELECT FROM skus AS l WHERE l.sku = coalesce(u.sku, codes[1]) FOR NO KEY UPDATE) AS l
    ) AS n
    WHERE s.sku = n.sku AND s.name = n.name_before AND coalesce(nullif(btrim(s.metadata::text, E' \t\r\n'), 'null'), '') = n.metadata_before;
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('updated SKUs', wanted, done);
END
$$;

CREATE PROCEDURE holdfast_insert_reservations(
    wanted bigint, moment timestamptz, ids uuid[], principals text[], client_tokens text[], statuses text[], revisions bigint[], line_counts bigint[],
    deadlines text[], completions text[], holders text[], refs text[], metadatas text[])
LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO reservations (id, principal, client_token, status, revision, line_count,
        created_at, expires_at, completed_at, holder, reference, metadata)
    SELECT coalesce(u.id, ids[1]), coalesce(u.principal, principals[1]), coalesce(u.client_token, client_tokens[1]),
        coalesce(u.status, statuses[1]), coalesce(u.revision, revisions[1]), coalesce(u.line_count, line_counts[1]), moment,
        NULLIF(coalesce(u.deadline, deadlines[1]), '')::timestamptz, NULLIF(coalesce(u.completion, completions[1]), '')::timestamptz,
        NULLIF(coalesce(u.holder, holders[1]), ''), NULLIF(coalesce(u.reference, refs[1]), ''), NULLIF(coalesce(u.metadata, metadatas[1]), '')::json
    FROM unnest(ids, principals, client_tokens, statuses, revisions, line_counts, deadlines, completions, holders, refs, metadatas)
        AS u (id, principal, client_token, status, revision, line_count, deadline, completion, holder, reference, metadata);
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('new reservations', wanted, done);
END
$$;

CREATE PROCEDURE holdfast_update_reservations(
    wanted bigint, ids uuid[], statuses text[], revisions bigint[], revisions_before bigint[], deadlines text[], completions text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    done bigint;
BEGIN
    UPDATE reservations AS r SET status = coalesce(u.status, statuses[1]), revision = coalesce(u.revision, revisions[1]),
        expires_at = NULLIF(coalesce(u.deadline, deadlines[1]), '')::timestamptz,
        completed_at = NULLIF(coalesce(u.completion, completions[1]), '')::timestamptz
    FROM unnest(ids, statuses, revisions, revisions_before, deadlines, completions)
        AS u (id, status, revision, revision_before, deadline, completion)
    WHERE r.id = coalesce(u.id, ids[1]) AND r.revision = coalesce(u.revision_before, revisions_before[1]);
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('updated reservations', wanted, done);
END
$$;

CREATE PROCEDURE holdfast_insert_lines(wanted bigint, reservation_ids uuid[], line_skus text[], line_locations text[], quantities integer[])
LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO reservation_lines (reservation_id, sku, location, quantity)
    SELECT coalesce(u.reservation_id, reservation_ids[1]), coalesce(u.sku, line_skus[1]),
        coalesce(u.location, line_locations[1]), coalesce(u.quantity, quantities[1])
    FROM unnest(reservation_ids, line_skus, line_locations, quantities) AS u (reservation_id, sku, location, quantity);
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('lines', wanted, done);
END
$$;

-- A version of 0 stands for an entry that concerns no level.
CREATE PROCEDURE holdfast_insert_entries(
    wanted bigint, moment timestamptz, actions text[], level_skus text[], level_locations text[], reservation_ids text[],
    total_deltas bigint[], reserved_deltas bigint[], allocated_deltas bigint[],
    totals bigint[], reserveds bigint[], allocateds bigint[], versions bigint[],
    actors text[], reasons text[], refs text[], command_ids uuid[], token_keys text[])
LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    INSERT INTO audit_log (at, action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
        total, reserved, allocated, version, actor, reason, reference, command_id, token_key)
    SELECT moment, e.action, NULLIF(e.sku, ''), NULLIF(e.location, ''), NULLIF(e.reservation_id, '')::uuid,
        e.total_delta, e.reserved_delta, e.allocated_delta,
        CASE WHEN e.version > 0 THEN e.total END, CASE WHEN e.version > 0 THEN e.reserved END,
        CASE WHEN e.version > 0 THEN e.allocated END, NULLIF(e.version, 0),
        e.actor, NULLIF(e.reason, ''), NULLIF(e.reference, ''), e.command_id, NULLIF(e.token_key, '')::uuid
    FROM (
        SELECT coalesce(u.action, actions[1]) AS action, coalesce(u.sku, level_skus[1]) AS sku, coalesce(u.location, level_locations[1]) AS location,
            coalesce(u.reservation_id, reservation_ids[1]) AS reservation_id, coalesce(u.total_delta, total_deltas[1]) AS total_delta,
            coalesce(u.reserved_delta, reserved_deltas[1]) AS reserved_delta, coalesce(u.allocated_delta, allocated_deltas[1]) AS allocated_delta,
            coalesce(u.total, totals[1]) AS total, coalesce(u.reserved, reserveds[1]) AS reserved, coalesce(u.allocated, allocateds[1]) AS allocated,
            coalesce(u.version, versions[1]) AS version, coalesce(u.actor, actors[1]) AS actor, coalesce(u.reason, reasons[1]) AS reason,
            coalesce(u.reference, refs[1]) AS reference, coalesce(u.command_id, command_ids[1]) AS command_id, coalesce(u.token_key, token_keys[1]) AS token_key
        FROM unnest(actions, level_skus, level_locations, reservation_ids, total_deltas, reserved_deltas, allocated_deltas,
            totals, reserveds, allocateds, versions, actors, reasons, refs, command_ids, token_keys)
            AS u (action, sku, location, reservation_id, total_delta, reserved_delta, allocated_delta,
                total, reserved, allocated, version, actor, reason, reference, command_id, token_key)
    ) AS e;
    GET DIAGNOSTICS done = ROW_COUNT;
    PERFORM holdfast_guard('entries', wanted, done);
END
$$;

-- The plans of the trigger that marks SKUs are kept as well.
ALTER FUNCTION holdfast_stock_skus() SET enable_seqscan = off;
