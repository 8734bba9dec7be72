-- The clock of a development stack: the instant that the session has set, else the real time.
-- A replay of past orders needs it (`SET ontem.clock = '2018-06-01T12:00:00Z'`).
CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS $$
    SELECT coalesce(nullif(current_setting('ontem.clock', true), '')::timestamptz,
                    clock_timestamp())
$$;
