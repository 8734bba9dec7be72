-- The clock of a stack that was migrated as development: what the session set, else the real one.
-- A replay of past orders needs it (`SET ontem.clock = '2018-06-01T12:00:00Z'`).
CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS $$
    SELECT coalesce(nullif(current_setting('ontem.clock', true), '')::timestamptz,
                    clock_timestamp())
$$;
