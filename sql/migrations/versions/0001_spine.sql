-- The system of record. docs/schema.md says what the columns mean. Where a rule is enforced here and
-- not by the programs, a comment beside it says why.

-- The clock of every row. Only a stack that is migrated as development gets one that can be set.
CREATE FUNCTION ontem_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT clock_timestamp() $$;

-- Which kind of stack this is, the id of the key that fingerprints of cards are made with, and the id of
-- the migrations that made these tables: one row, written by `ontem migrate`.
CREATE TABLE stack (
    only_row      boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    environment   text        NOT NULL CHECK (environment IN ('development', 'production')),
    card_key_id   text,
    migrations_id text,
    migrated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Transaction ids can be compared only within one generation: they survive neither a dump and
-- restore nor an asynchronous failover. After those, `ontem migrate` registers a new generation.
CREATE TABLE generations (
    generation        smallint    PRIMARY KEY CHECK (generation > 0),
    system_identifier bigint      NOT NULL,
    timeline_id       integer     NOT NULL,
    registered_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION ontem_generation() RETURNS smallint
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT max(generation) FROM generations $$;

-- What identifies the server that runs now; timeline 0 is a standby's. A server's control file has the
-- timeline of its last checkpoint, which can be minutes behind a promotion. The name of the log file that
-- it is writing has the timeline of now.
CREATE FUNCTION ontem_server(OUT system_identifier bigint, OUT timeline_id integer)
LANGUAGE sql VOLATILE AS $$
    SELECT s.system_identifier,
           CASE WHEN pg_is_in_recovery() THEN 0 ELSE
               ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
           END
    FROM pg_control_system() s
$$;

-- When a row was recorded, as one number: every row of an older generation sorts below those of a
-- newer one.
CREATE FUNCTION ontem_recorded_key(generation smallint, recorded_xid xid8) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (generation::bigint << 48) | recorded_xid::text::bigint
$$;

CREATE TABLE merchants (
    merchant_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                   text             NOT NULL UNIQUE CHECK (name <> ''),
    review_at              double precision NOT NULL DEFAULT 0.5,
    block_at               double precision NOT NULL DEFAULT 0.9,
    decision_without_score text             NOT NULL DEFAULT 'review'
        CHECK (decision_without_score IN ('allow', 'review', 'block')),
    large_amount_cents     bigint CHECK (large_amount_cents >= 0), -- null: no amount is large
    decision_large_amount  text             NOT NULL DEFAULT 'review'
        CHECK (decision_large_amount IN ('allow', 'review', 'block')),
    when_not_stored        text             NOT NULL DEFAULT 'refuse'
        CHECK (when_not_stored IN ('refuse', 'answer')),
    deadline_ms            integer CHECK (deadline_ms > 0), -- null: the service's own
    requests_per_second    integer CHECK (requests_per_second > 0), -- null: no limit
    created_at             timestamptz      NOT NULL DEFAULT ontem_clock(),
    CHECK (0 <= review_at AND review_at <= block_at AND block_at <= 1)
);

CREATE TABLE api_keys (
    key_id      text        PRIMARY KEY,
    merchant_id bigint      NOT NULL REFERENCES merchants,
    secret_hash bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT ontem_clock(),
    revoked_at  timestamptz
);

CREATE TABLE imports (
    import_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id       bigint      NOT NULL REFERENCES merchants,
    kind              text        NOT NULL CHECK (kind IN ('orders', 'chargebacks')),
    source            text        NOT NULL,
    sha256            bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    earliest_day      date,
    rows_read         bigint      NOT NULL DEFAULT 0,
    orders_new        bigint      NOT NULL DEFAULT 0,
    orders_known      bigint      NOT NULL DEFAULT 0,
    chargebacks_new   bigint      NOT NULL DEFAULT 0,
    chargebacks_known bigint      NOT NULL DEFAULT 0,
    rows_refused      bigint      NOT NULL DEFAULT 0,
    recorded_at       timestamptz NOT NULL DEFAULT ontem_clock(),
    recorded_xid      xid8        NOT NULL DEFAULT pg_current_xact_id(),
    generation        smallint    NOT NULL DEFAULT ontem_generation()
);

-- The rows of the request path have no foreign keys: each would lock the merchant's row in every
-- request. Instead, a trigger below refuses to delete merchants.
CREATE TABLE orders (
    order_pk     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id  bigint      NOT NULL,
    order_id     text        NOT NULL,
    event_at     timestamptz NOT NULL,
    evaluated_at timestamptz,
    placed_at    timestamptz,
    recorded_at  timestamptz NOT NULL DEFAULT ontem_clock(),
    recorded_xid xid8        NOT NULL DEFAULT pg_current_xact_id(),
    generation   smallint    NOT NULL DEFAULT ontem_generation(),
    import_id    bigint,
    content_hash bytea       NOT NULL CHECK (octet_length(content_hash) = 32),
    amount_cents bigint      NOT NULL CHECK (amount_cents >= 0),
    "user"       text,
    document     text,
    email        text,
    phone        text,
    zip_code     text,
    device       text,
    ip           text,
    card         text,
    seller       text,
    product      text[]      NOT NULL DEFAULT '{}',
    items        jsonb       NOT NULL DEFAULT '[]',
    CONSTRAINT orders_identity UNIQUE (merchant_id, order_id),
    CONSTRAINT orders_live_or_imported CHECK (evaluated_at IS NOT NULL OR import_id IS NOT NULL)
);

-- One row for each different product of an order, for the recent read; written with its order.
CREATE TABLE order_products (
    merchant_id bigint      NOT NULL,
    product     text        NOT NULL,
    event_at    timestamptz NOT NULL,
    order_pk    bigint      NOT NULL,
    PRIMARY KEY (merchant_id, product, event_at, order_pk)
);

-- A chargeback may be reported before its order is known, and then waits for it. So it has no
-- foreign key.
CREATE TABLE chargebacks (
    chargeback_pk bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id   bigint      NOT NULL,
    order_id      text        NOT NULL,
    kind          text        NOT NULL DEFAULT 'chargeback'
        CHECK (kind IN ('chargeback', 'reversal')),
    event_at      timestamptz NOT NULL,
    reported_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT ontem_clock(),
    recorded_xid  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    generation    smallint    NOT NULL DEFAULT ontem_generation(),
    import_id     bigint,
    CONSTRAINT chargebacks_identity UNIQUE (merchant_id, order_id, kind, event_at)
);

-- One row for each entity that an order with a chargeback names: how the recent read finds
-- chargebacks. Written with the chargeback or with its order, whichever is stored last, by the triggers
-- at the end of this file. An order with several chargebacks may have rows for each.
CREATE TABLE chargeback_entities (
    merchant_id bigint      NOT NULL,
    identifier  text        NOT NULL,
    value       text        NOT NULL,
    event_at    timestamptz NOT NULL,
    order_pk    bigint      NOT NULL,
    PRIMARY KEY (merchant_id, identifier, value, event_at, order_pk)
);

CREATE TABLE evaluations (
    evaluation_id uuid        PRIMARY KEY,
    merchant_id   bigint      NOT NULL,
    order_pk      bigint      NOT NULL,
    order_id      text        NOT NULL,
    content_hash  bytea       NOT NULL CHECK (octet_length(content_hash) = 32),
    vector        bytea,
    score         double precision CHECK (score BETWEEN 0 AND 1),
    decision      text        NOT NULL CHECK (decision IN ('allow', 'review', 'block')),
    model         text,
    feature_set   text,
    timelines     text,
    load_id       bigint,
    as_of         date,
    stale_days    integer,
    evaluated_at  timestamptz NOT NULL,
    request_id    text        CHECK (length(request_id) BETWEEN 8 AND 64),
    visible       pg_snapshot,
    missing       text[]      NOT NULL DEFAULT '{}',
    recorded_xid  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    generation    smallint    NOT NULL DEFAULT ontem_generation(),
    recorded_at   timestamptz NOT NULL DEFAULT ontem_clock(),
    superseded    boolean     NOT NULL DEFAULT false
);
-- The first evaluation stored for an order is its answer; a later one is marked as superseded.
CREATE UNIQUE INDEX evaluations_identity ON evaluations (merchant_id, order_id)
    WHERE NOT superseded;

-- What was answered to requests with an Idempotency-Key: `answer` is null only until the transaction
-- that has claimed the key commits. A key is forgotten after 24 hours (stores/postgres/idempotency_keys.py).
CREATE TABLE idempotency_keys (
    merchant_id     bigint      NOT NULL,
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    body_hash       bytea       NOT NULL CHECK (octet_length(body_hash) = 32),
    answer          bytea,
    recorded_at     timestamptz NOT NULL DEFAULT ontem_clock(),
    PRIMARY KEY (merchant_id, idempotency_key)
);

-- Load ids only grow and are never used again, because each is the fencing token of its load.
CREATE SEQUENCE load_ids AS bigint NO CYCLE;
CREATE TABLE loads (
    load_id      bigint      PRIMARY KEY DEFAULT nextval('load_ids'),
    as_of        date        NOT NULL,
    cutoff       timestamptz NOT NULL,
    watermark    xid8        NOT NULL,
    generation   smallint    NOT NULL DEFAULT ontem_generation(),
    timelines    text        NOT NULL,
    entity_key_id text       NOT NULL,
    revision     text        NOT NULL,
    snapshot_id  bigint      NOT NULL,
    metadata_location text   NOT NULL,
    entities     bigint,
    checksum     text,
    created_at   timestamptz NOT NULL DEFAULT ontem_clock(),
    published_at timestamptz,
    withdrawn_at timestamptz
);
ALTER SEQUENCE load_ids OWNED BY loads.load_id;

-- One row for each night, extraction, training set, training and cleaning of the offline store, for
-- people. Only `ontem store clean` reads it to decide something: what runs, and which training sets have
-- a model. A run without an outcome goes on while its session is there, and was killed otherwise.
CREATE TABLE runs (
    run_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command       text        NOT NULL
        CHECK (command IN
            ('night', 'extract', 'training-set', 'train', 'retrain', 'store clean')),
    day           date        NOT NULL,
    timelines     text        NOT NULL,
    entity_key_id text        NOT NULL,
    started_by    text        NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT ontem_clock(),
    session_pid   integer     NOT NULL,
    session_start timestamptz,
    ended_at      timestamptz,
    outcome       text CHECK (outcome IN ('done', 'unchanged', 'failed', 'interrupted')),
    exit_code     smallint,
    error         text,
    load_id       bigint REFERENCES loads,
    revision      text,
    parent        text, -- the snapshot that the one of a night is a delta on
    rows          bigint, -- of a night the entities, those of the parent included
    delta_rows    bigint, -- the rows that a delta has itself
    active        bigint, -- entities with an event in the longest window
    inactive      bigint,
    bytes         bigint,
    written       bigint,
    seconds       json        NOT NULL DEFAULT '{}', -- not jsonb, which would lose the order of stages
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);

-- One row for each extraction, from before it is committed to the events of the offline store. A database
-- that lacks the row of the newest one was restored from an older backup, and so lacks orders, too.
CREATE TABLE extractions (
    run         text        PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT ontem_clock()
);

-- One row for each model that began to serve and was newer than all before it, and one for each older
-- model that somebody let serve again. An older model without such a row after the newest is refused.
CREATE TABLE served_models (
    served_id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                  text        NOT NULL,
    training_set_built_at timestamptz NOT NULL, -- by this a model is older or newer than another
    recorded_at           timestamptz NOT NULL DEFAULT ontem_clock(),
    allowed_by            text        -- who let an older one serve again; null for a service
);

-- The catalogue of the offline store: which metadata file of each Iceberg table is current. Shape and
-- names are those of every JDBC catalogue, which Spark and Trino read, too.
CREATE TABLE iceberg_tables (
    catalog_name               varchar(255) NOT NULL,
    table_namespace            varchar(255) NOT NULL,
    table_name                 varchar(255) NOT NULL,
    metadata_location          varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type               varchar(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE iceberg_namespace_properties (
    catalog_name   varchar(255)  NOT NULL,
    namespace      varchar(255)  NOT NULL,
    property_key   varchar(255)  NOT NULL,
    property_value varchar(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);

-- The indexes of the recent read, merchant first. Each of its parts can use one index only: with a
-- second one to choose from, such as (merchant_id, event_at), PostgreSQL takes the wrong one while the
-- table is empty or its statistics are lost, and stays with it for as long as the session.
CREATE INDEX orders_user     ON orders (merchant_id, "user", event_at)   WHERE "user" IS NOT NULL;
CREATE INDEX orders_document ON orders (merchant_id, document, event_at) WHERE document IS NOT NULL;
CREATE INDEX orders_email    ON orders (merchant_id, email, event_at)    WHERE email IS NOT NULL;
CREATE INDEX orders_phone    ON orders (merchant_id, phone, event_at)    WHERE phone IS NOT NULL;
CREATE INDEX orders_zip_code ON orders (merchant_id, zip_code, event_at) WHERE zip_code IS NOT NULL;
CREATE INDEX orders_device   ON orders (merchant_id, device, event_at)   WHERE device IS NOT NULL;
CREATE INDEX orders_ip       ON orders (merchant_id, ip, event_at)       WHERE ip IS NOT NULL;
CREATE INDEX orders_card     ON orders (merchant_id, card, event_at)     WHERE card IS NOT NULL;
CREATE INDEX orders_seller   ON orders (merchant_id, seller, event_at)   WHERE seller IS NOT NULL;
-- For the newest event (sql/queries/newest_event.sql.j2). On an expression, so that no part of the
-- recent read can use it.
CREATE INDEX orders_newest ON orders ((event_at AT TIME ZONE 'UTC'));

-- For whether a merchant has an import that is newer than what a process of the service holds of him.
CREATE INDEX imports_recorded ON imports (merchant_id, generation, recorded_xid);

-- How an extraction finds what is new. Rows are appended in nearly the order of their keys, so a range
-- of pages is described by its lowest and highest key: a few bytes for 128 pages, which an insert reads
-- and rarely changes. A row in an old page makes that range be read once, by the extraction that takes
-- the row. New pages are described when the next extraction begins, not while a request waits.
CREATE INDEX orders_recorded      ON orders      USING brin (ontem_recorded_key(generation, recorded_xid));
CREATE INDEX chargebacks_recorded ON chargebacks USING brin (ontem_recorded_key(generation, recorded_xid));
CREATE INDEX evaluations_recorded ON evaluations USING brin (ontem_recorded_key(generation, recorded_xid));

-- Describe the pages that are new. Only the owner of an index may, so the caller borrows its rights.
CREATE FUNCTION ontem_summarize_recorded() RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT brin_summarize_new_values('orders_recorded')
         + brin_summarize_new_values('chargebacks_recorded')
         + brin_summarize_new_values('evaluations_recorded')
$$;

-- The late rule: a live row that is stored more than 5 s after its event_at counts from when it is
-- stored. `recorded_xid` is a column default, so the transaction has its id before the trigger reads
-- the clock. A transaction that takes its id when the clock is past cutoff + 5 s can therefore store
-- no event from before the cutoff.
CREATE FUNCTION ontem_apply_late_rule(event_at timestamptz, clock timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF event_at > clock + interval '1 second' THEN
        RAISE EXCEPTION 'event_at % is after the database''s clock %: '
            'set the clock of the machine that sent it', event_at, clock
            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_not_in_the_future';
    END IF;
    RETURN CASE WHEN event_at < clock - interval '5 seconds' THEN clock ELSE event_at END;
END $$;

CREATE FUNCTION ontem_apply_late_rule_to_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := ontem_clock();
    NEW.event_at := coalesce(NEW.event_at, NEW.evaluated_at);
    NEW.evaluated_at := coalesce(NEW.evaluated_at, NEW.event_at);
    NEW.event_at := ontem_apply_late_rule(NEW.event_at, NEW.recorded_at);
    RETURN NEW;
END $$;
CREATE TRIGGER late_rule BEFORE INSERT ON orders
    FOR EACH ROW WHEN (NEW.import_id IS NULL) EXECUTE FUNCTION ontem_apply_late_rule_to_order();

CREATE FUNCTION ontem_apply_late_rule_to_chargeback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := ontem_clock();
    NEW.event_at := coalesce(NEW.event_at, NEW.reported_at);
    NEW.reported_at := coalesce(NEW.reported_at, NEW.event_at);
    NEW.event_at := ontem_apply_late_rule(NEW.event_at, NEW.recorded_at);
    RETURN NEW;
END $$;
CREATE TRIGGER late_rule BEFORE INSERT ON chargebacks
    FOR EACH ROW WHEN (NEW.import_id IS NULL) EXECUTE FUNCTION ontem_apply_late_rule_to_chargeback();

-- Orders and chargebacks never change, and merchants are never deleted.
CREATE FUNCTION ontem_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION ontem_refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON order_products
    FOR EACH STATEMENT EXECUTE FUNCTION ontem_refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON chargebacks
    FOR EACH STATEMENT EXECUTE FUNCTION ontem_refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON chargeback_entities
    FOR EACH STATEMENT EXECUTE FUNCTION ontem_refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON merchants
    FOR EACH STATEMENT EXECUTE FUNCTION ontem_refuse_change();

-- Every chargeback with its order. It counts from when both were known. A chargeback *event* is the
-- first chargeback of an order, by (event_at, recorded_key, chargeback_pk), among those that the
-- reader may see: sql/queries/recent.sql.j2 takes it in SQL, the batch in its own code.
CREATE VIEW chargeback_events AS
SELECT c.chargeback_pk, o.order_pk, o.merchant_id, o.order_id,
       greatest(c.event_at, o.event_at) AS event_at,
       greatest(ontem_recorded_key(c.generation, c.recorded_xid),
                ontem_recorded_key(o.generation, o.recorded_xid)) AS recorded_key,
       CASE WHEN ontem_recorded_key(c.generation, c.recorded_xid)
                 > ontem_recorded_key(o.generation, o.recorded_xid)
            THEN c.recorded_xid ELSE o.recorded_xid END AS recorded_xid,
       greatest(c.generation, o.generation) AS generation,
       o.amount_cents, o."user", o.document, o.email, o.phone, o.zip_code, o.device, o.ip, o.card,
       o.seller, o.product
FROM chargebacks c
JOIN orders o USING (merchant_id, order_id)
WHERE c.kind = 'chargeback';

-- The entities of every chargeback event: what chargeback_entities has.
CREATE VIEW chargeback_event_entities AS
SELECT e.merchant_id, entity.identifier, entity.value, e.event_at, e.order_pk, e.order_id,
       e.chargeback_pk
FROM chargeback_events e
CROSS JOIN LATERAL (
    VALUES ('user', e."user"), ('document', e.document), ('email', e.email), ('phone', e.phone),
           ('zip_code', e.zip_code), ('device', e.device), ('ip', e.ip), ('card', e.card),
           ('seller', e.seller)
    UNION ALL
    SELECT 'product', unnest(e.product)
) AS entity (identifier, value)
WHERE entity.value IS NOT NULL;

-- The lock of an order, for orders and chargebacks that two transactions store at once: neither sees
-- what the other has not committed. Whoever stores an order shares its lock until the commit. Whoever
-- stores a chargeback and does not see its order takes the lock alone and looks again. So one of the
-- two sees the other. Orders of a merchant share 64 locks, because an import may need them all, and a
-- session that hangs should hold up few orders.
CREATE FUNCTION ontem_order_lock(merchant_id bigint, order_id text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT x'4F6F000000000000'::bigint + (merchant_id << 6) + (hashtext(order_id) & 63)
$$;

-- Each statement of these functions has a snapshot of its own, taken after the lock: transactions that
-- store orders or chargebacks must be READ COMMITTED. Rows are added in the order of their keys, so
-- that no two transactions wait for each other.
CREATE FUNCTION ontem_add_entities_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(ontem_order_lock(NEW.merchant_id, NEW.order_id));
    IF EXISTS (SELECT FROM chargebacks
               WHERE merchant_id = NEW.merchant_id AND order_id = NEW.order_id) THEN
        INSERT INTO chargeback_entities (merchant_id, identifier, value, event_at, order_pk)
        SELECT merchant_id, identifier, value, event_at, order_pk FROM chargeback_event_entities
        WHERE merchant_id = NEW.merchant_id AND order_id = NEW.order_id
        ORDER BY identifier, value, event_at
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION ontem_add_entities_of_chargeback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM orders
                   WHERE merchant_id = NEW.merchant_id AND order_id = NEW.order_id) THEN
        PERFORM pg_advisory_xact_lock(ontem_order_lock(NEW.merchant_id, NEW.order_id));
    END IF;
    INSERT INTO chargeback_entities (merchant_id, identifier, value, event_at, order_pk)
    SELECT merchant_id, identifier, value, event_at, order_pk FROM chargeback_event_entities
    WHERE merchant_id = NEW.merchant_id AND order_id = NEW.order_id
      AND chargeback_pk = NEW.chargeback_pk
    ORDER BY identifier, value
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- An import sets ontem.importing and adds the entities of all its rows at once, as its last step: it
-- then holds the locks only for a moment (sql/queries/import_chargeback_entities.sql.j2).
CREATE TRIGGER chargeback_entities AFTER INSERT ON orders
    FOR EACH ROW WHEN (current_setting('ontem.importing', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION ontem_add_entities_of_order();
CREATE TRIGGER chargeback_entities AFTER INSERT ON chargebacks
    FOR EACH ROW WHEN (NEW.kind = 'chargeback'
                       AND current_setting('ontem.importing', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION ontem_add_entities_of_chargeback();

-- Whose rows a session may see. The service's role owns nothing (sql/service_rights.sql) and sees the
-- rows of one merchant: the one whose id its transaction has put into `ontem.merchant`, or nobody's. The
-- owner, which migrates and runs the jobs, sees all. FORCE makes that a policy, too, and not a gap.
CREATE FUNCTION ontem_merchant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('ontem.merchant', true), '')::bigint
$$;

DO $$
DECLARE
    rows_of_merchants regclass;
BEGIN
    FOREACH rows_of_merchants IN ARRAY
        ARRAY['orders', 'order_products', 'chargebacks', 'chargeback_entities', 'evaluations',
              'imports', 'idempotency_keys']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', rows_of_merchants);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', rows_of_merchants);
        -- No index can serve this comparison, and the planner can't know whom it is with. A plan is made
        -- for whichever merchant comes first and serves all: with `=` one that was made for a merchant
        -- without orders looked up each order among all of the next merchant's.
        EXECUTE format('CREATE POLICY one_merchant ON %s '
                       'USING (merchant_id IS NOT DISTINCT FROM (SELECT ontem_merchant()))',
                       rows_of_merchants);
        EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true)', rows_of_merchants);
    END LOOP;
END $$;
ALTER VIEW chargeback_events SET (security_invoker = true);
ALTER VIEW chargeback_event_entities SET (security_invoker = true);

-- What the service may do although it owns nothing: find the merchant of a key that it was sent, without
-- seeing other keys or merchants; and register a standby that was promoted.
CREATE FUNCTION ontem_merchant_of_key(sent_key_id text)
RETURNS TABLE (merchant merchants, secret_hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT m, k.secret_hash FROM api_keys k JOIN merchants m USING (merchant_id)
    WHERE k.key_id = sent_key_id AND k.revoked_at IS NULL
$$;

-- Redis and evaluations may name loads whose rows a restored or promoted server has lost, so a thousand
-- of their ids are skipped: more than it can have lost.
CREATE FUNCTION ontem_register_server() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    WITH registered AS (
        INSERT INTO generations (generation, system_identifier, timeline_id)
        SELECT coalesce(ontem_generation(), 0) + 1, server.system_identifier, server.timeline_id
        FROM ontem_server() AS server
        WHERE NOT EXISTS (
            SELECT FROM generations newest
            WHERE newest.generation = ontem_generation()
              AND newest.system_identifier = server.system_identifier
              AND newest.timeline_id = server.timeline_id)
        RETURNING generation)
    SELECT setval('load_ids', load_ids.last_value + 1000)
    FROM registered, load_ids
    WHERE registered.generation > 1
$$;
