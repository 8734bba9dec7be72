-- The owner of a table sees the rows of all merchants. `ontem migrate` runs it each time: a dump that was
-- restored for another role has the policies of 0001_spine.sql for the role before, or lacks them.
DO $$
DECLARE
    rows_of_merchants regclass;
    its_owner         regrole;
BEGIN
    FOR rows_of_merchants, its_owner IN
        SELECT c.oid, c.relowner FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
          AND pg_has_role(c.relowner, 'USAGE')
          AND NOT EXISTS (
              SELECT FROM pg_policy p
              WHERE p.polrelid = c.oid AND p.polname = 'owner' AND c.relowner = ANY (p.polroles))
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS owner ON %s', rows_of_merchants);
        EXECUTE format('CREATE POLICY owner ON %s TO %s USING (true)', rows_of_merchants, its_owner);
    END LOOP;
END $$;
