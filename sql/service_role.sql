-- The role of the service, made once for a server by a superuser, with psql's variable service_password.
-- It owns nothing; `ontem migrate` grants it its rights. Its settings are the role's own, so that they
-- also hold behind a pooler, which gives a session to another client after each transaction.
CREATE ROLE ontem_service LOGIN PASSWORD :'service_password';
ALTER ROLE ontem_service SET timezone = 'UTC';
ALTER ROLE ontem_service SET plan_cache_mode = 'force_generic_plan';
ALTER ROLE ontem_service SET enable_seqscan = 'off';
ALTER ROLE ontem_service SET enable_hashjoin = 'off';
ALTER ROLE ontem_service SET enable_mergejoin = 'off';
ALTER ROLE ontem_service SET enable_memoize = 'off';
ALTER ROLE ontem_service SET jit = 'off';
