DO $$
DECLARE
    described RECORD;
BEGIN
    FOR described IN
        SELECT c.relkind, c.oid::regclass AS relation, a.attname
        FROM pg_description d
        JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND c.relname != 'schema_migrations'
    LOOP
        IF described.attname IS NOT NULL THEN
            EXECUTE format('COMMENT ON COLUMN %s.%I IS NULL', described.relation, described.attname);
        ELSE
            EXECUTE format('COMMENT ON %s %s IS NULL',
                CASE described.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, described.relation);
        END IF;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION archive_ended_call() IS NULL;
COMMENT ON FUNCTION update_updated_at_column() IS NULL;
