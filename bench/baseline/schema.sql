-- The tables of an application that keeps stock by hand-written SQL: the columns
-- that a hold fills in ours, and only those indexes without which the work
-- wouldn't be done. The keys; a client token once, so that a hold can be asked
-- for again; deadlines, so that holds can end; a level's history, in order. Ours
-- have more, for lists and history: what they cost is not taken off our figure.
CREATE TABLE stock_levels (
    sku        text COLLATE "C" NOT NULL,
    location   text COLLATE "C" NOT NULL,
    total      bigint NOT NULL,
    reserved   bigint NOT NULL,
    allocated  bigint NOT NULL,
    version    bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (sku, location),
    CHECK (reserved >= 0 AND allocated >= 0 AND reserved + allocated <= total)
) WITH (fillfactor = 50);

CREATE TABLE reservations (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_token text COLLATE "C" NOT NULL UNIQUE,
    status       text COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    completed_at timestamptz
) WITH (fillfactor = 80);

CREATE INDEX ON reservations (expires_at) WHERE status = 'HELD';

CREATE TABLE reservation_lines (
    reservation_id bigint NOT NULL,
    sku            text COLLATE "C" NOT NULL,
    location       text COLLATE "C" NOT NULL,
    quantity       integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, sku, location)
);

CREATE TABLE audit_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    action          text COLLATE "C" NOT NULL,
    sku             text COLLATE "C" NOT NULL,
    location        text COLLATE "C" NOT NULL,
    reservation_id  bigint,
    reserved_delta  bigint NOT NULL,
    allocated_delta bigint NOT NULL,
    total           bigint NOT NULL,
    reserved        bigint NOT NULL,
    allocated       bigint NOT NULL,
    version         bigint NOT NULL,
    actor           text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX ON audit_log (sku, location, version);

INSERT INTO stock_levels
SELECT 'bench-' || lpad(n::text, 5, '0'), 'default', 1000000000, 0, 0, 1, now() FROM generate_series(0, :skus - 1) AS n;

ANALYZE stock_levels;
