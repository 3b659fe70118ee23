-- A snapshot is taken in steps; until the last one it has no taken_at, and is
-- none yet. One that nobody finishes is cleared away by the next.
--
-- is_base marks the one that stands in for the history that was trimmed: it has
-- the last state of each level that is in the log no more, and its taken_at is
-- since when history is kept.
ALTER TABLE snapshots
    ALTER COLUMN taken_at DROP NOT NULL,
    ADD COLUMN started_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN is_base boolean NOT NULL DEFAULT false;

CREATE UNIQUE INDEX snapshots_base ON snapshots (is_base) WHERE is_base;

-- What a snapshot has goes with it.
CREATE INDEX snapshot_levels_snapshot ON snapshot_levels (snapshot_id);

-- The version that a level had at a moment, as far as the log goes back; null
-- where its first entry came later. Within a level the versions have no gap, and
-- a later one has no earlier time, so that halving finds it: of a million entries
-- 22 are read.
CREATE FUNCTION holdfast_version_at(of_sku text, of_location text, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE COST 1000 AS $$
DECLARE
    trimmed bigint; -- the last version before the log begins
    reached bigint; -- one that the level had reached
    ahead   bigint; -- one that was still ahead of it
    middle  bigint;
BEGIN
    SELECT min(version) - 1, max(version) + 1 INTO trimmed, ahead
    FROM audit_log WHERE sku = of_sku AND location = of_location AND version IS NOT NULL;
    reached := trimmed;
    WHILE ahead - reached > 1 LOOP
        middle := (reached + ahead) / 2;
        IF (SELECT at <= moment FROM audit_log WHERE sku = of_sku AND location = of_location AND version = middle) THEN
            reached := middle;
        ELSE
            ahead := middle;
        END IF;
    END LOOP;
    RETURN nullif(reached, trimmed);
END
$$;
