-- Text keys are ASCII and collate "C", so that Go and SQL sort alike: locks
-- are taken in key order on both sides.
--
-- Metadata is json, not jsonb: nothing looks inside, and it is given back as it
-- was taken; jsonb writes a number such as 1e300 out in full.

CREATE TABLE locations (
    code       text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    command_id uuid NOT NULL,
    created_at timestamptz NOT NULL
);

INSERT INTO locations VALUES ('default', 'Default', '00000000-0000-0000-0000-000000000000', now());

CREATE TABLE skus (
    sku        text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    metadata   json,
    command_id uuid NOT NULL,
    created_at timestamptz NOT NULL
);

-- No index but the key, and half of each page free: a counter is then updated
-- in its page, without touching an index.
CREATE TABLE stock_levels (
    sku        text COLLATE "C" NOT NULL,
    location   text COLLATE "C" NOT NULL,
    total      bigint NOT NULL,
    reserved   bigint NOT NULL,
    allocated  bigint NOT NULL,
    version    bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (sku, location),
    CONSTRAINT stock_levels_no_oversell
        CHECK (reserved >= 0 AND allocated >= 0 AND reserved + allocated <= total)
) WITH (fillfactor = 50);

CREATE TABLE reservations (
    id           uuid PRIMARY KEY,
    principal    text COLLATE "C" NOT NULL,
    client_token text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL
        CHECK (status IN ('HELD', 'ALLOCATED', 'RELEASED', 'EXPIRED', 'FULFILLED', 'CANCELLED')),
    revision     bigint NOT NULL,
    line_count   integer NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    completed_at timestamptz,
    holder       text,
    reference    text,
    metadata     json
) WITH (fillfactor = 80);

CREATE INDEX reservations_deadline ON reservations (expires_at, id) WHERE status = 'HELD';

-- What a hold writes has no foreign keys: they cost more than the rest of the
-- insert, and put multixacts on the hot row. The consistency check looks for
-- orphans instead.
CREATE TABLE reservation_lines (
    reservation_id uuid NOT NULL,
    sku            text COLLATE "C" NOT NULL,
    location       text COLLATE "C" NOT NULL,
    quantity       integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, sku, location)
);

CREATE INDEX reservation_lines_sku ON reservation_lines (sku, reservation_id);

-- The key is made from the principal and the token. For a reservation,
-- command_id is its id.
CREATE TABLE client_tokens (
    key        uuid PRIMARY KEY,
    principal  text COLLATE "C" NOT NULL,
    action     text COLLATE "C" NOT NULL,
    fields     jsonb NOT NULL,
    command_id uuid NOT NULL,
    created_at timestamptz NOT NULL
);

-- A change that concerns no stock level has no version. token_key is set where
-- the entry is the only effect of a client token.
CREATE TABLE audit_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    action          text COLLATE "C" NOT NULL,
    sku             text COLLATE "C",
    location        text COLLATE "C",
    reservation_id  uuid,
    total_delta     bigint NOT NULL,
    reserved_delta  bigint NOT NULL,
    allocated_delta bigint NOT NULL,
    total           bigint,
    reserved        bigint,
    allocated       bigint,
    version         bigint,
    actor           text COLLATE "C" NOT NULL,
    reason          text COLLATE "C",
    reference       text,
    command_id      uuid NOT NULL,
    token_key       uuid,
    CHECK ((version IS NULL) = (total IS NULL OR reserved IS NULL OR allocated IS NULL))
);

CREATE UNIQUE INDEX audit_log_level ON audit_log (sku, location, version) WHERE version IS NOT NULL;
CREATE INDEX audit_log_reservation ON audit_log (reservation_id) WHERE reservation_id IS NOT NULL;
CREATE UNIQUE INDEX audit_log_token ON audit_log (token_key) WHERE token_key IS NOT NULL;

-- What the consistency check looks for. As long as there is none of it, the
-- index is empty and costs nothing.
CREATE INDEX audit_log_tokenless ON audit_log (command_id) WHERE token_key IS NULL AND action IN ('ADJUSTED', 'SET');

CREATE TABLE snapshots (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    taken_at    timestamptz NOT NULL,
    level_count bigint NOT NULL
);

CREATE TABLE snapshot_levels (
    snapshot_id bigint NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    sku         text COLLATE "C" NOT NULL,
    location    text COLLATE "C" NOT NULL,
    total       bigint NOT NULL,
    reserved    bigint NOT NULL,
    allocated   bigint NOT NULL,
    version     bigint NOT NULL,
    PRIMARY KEY (sku, location, snapshot_id)
);

CREATE TABLE reconciliation_runs (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    actor         text COLLATE "C" NOT NULL,
    reason        text,
    is_consistent boolean,
    repaired      bigint NOT NULL DEFAULT 0
);

CREATE TABLE reconciliation_issues (
    run_id         bigint NOT NULL REFERENCES reconciliation_runs ON DELETE CASCADE,
    ordinal        integer NOT NULL,
    invariant      text COLLATE "C" NOT NULL,
    sku            text COLLATE "C",
    location       text COLLATE "C",
    reservation_id uuid,
    expected       bigint,
    actual         bigint,
    detail         text NOT NULL,
    repairable     boolean NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);


-- Stops the transaction where a save would do less, or more, than was decided.
-- The COMMIT that follows in the same message is then never reached.
CREATE FUNCTION holdfast_guard(what text, wanted bigint, got bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF wanted <> got THEN
        RAISE EXCEPTION 'save of %: % wanted, % done', what, wanted, got USING ERRCODE = 'HF001';
    END IF;
END
$$;

-- Stops the transaction where levels were changed by others since they were
-- read, and names them.
CREATE FUNCTION holdfast_unmoved(moved json) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF moved IS NOT NULL THEN
        RAISE EXCEPTION 'stock levels moved' USING ERRCODE = 'HF002', DETAIL = moved::text;
    END IF;
END
$$;

-- The key of a principal's client token, as the server makes it: the first 128
-- bits of the SHA-256 of both, with a zero byte between.
CREATE FUNCTION holdfast_token_key(principal text, client_token text) RETURNS uuid
LANGUAGE sql STABLE RETURN encode(substring(sha256(
    convert_to(principal, 'UTF8') || '\x00'::bytea || convert_to(client_token, 'UTF8')) FOR 16), 'hex')::uuid;
