-- What the service may do in Ontem's database; `ontem migrate` runs it each time. The role owns nothing,
-- and row level security shows it the rows of one merchant per transaction (0001_spine.sql).
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ontem_service;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ontem_service;

-- A schema that was dropped and made again is closed to all but its owner.
GRANT USAGE ON SCHEMA public TO ontem_service;
GRANT SELECT, INSERT ON orders, order_products, chargebacks, chargeback_entities, evaluations
    TO ontem_service;
GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO ontem_service;
GRANT SELECT ON chargeback_events, chargeback_event_entities TO ontem_service;
-- When a merchant's past was changed last; not by which file.
GRANT SELECT (merchant_id, generation, recorded_xid) ON imports TO ontem_service;
-- What a process is compared with before it is ready.
GRANT SELECT ON alembic_version, stack, generations, loads TO ontem_service;
GRANT SELECT, INSERT ON served_models TO ontem_service;
