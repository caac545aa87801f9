-- A missing month must never stop a call from ending: cdr_default takes what no month takes.
CREATE TABLE IF NOT EXISTS cdr_default PARTITION OF cdr DEFAULT;

COMMENT ON TABLE cdr_default IS
    'Net under cdr: takes the calls of months that have no partition of their own. Empty as a rule.';

-- A new month is filled from cdr_default before it is attached, because Postgres refuses a
-- partition whose rows lie in the default one. The lock makes two runs at once take turns.
CREATE FUNCTION cdr_ensure_partitions(months_ahead INT DEFAULT 3)
RETURNS SETOF TEXT
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    this_month CONSTANT TIMESTAMP WITH TIME ZONE := date_trunc('month', now());
    month_start TIMESTAMP WITH TIME ZONE;
    month_end TIMESTAMP WITH TIME ZONE;
    partition_name TEXT;
BEGIN
    FOR ahead IN 0..months_ahead LOOP
        month_start := this_month + make_interval(months => ahead);
        month_end := month_start + make_interval(months => 1);
        partition_name := to_char(month_start, '"cdr_"YYYY_MM');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;

        LOCK TABLE ONLY cdr IN SHARE UPDATE EXCLUSIVE MODE;
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        LOCK TABLE cdr_default IN ACCESS EXCLUSIVE MODE;

        EXECUTE format('CREATE TABLE %I (LIKE cdr INCLUDING ALL EXCLUDING INDEXES)', partition_name);
        EXECUTE format('COMMENT ON TABLE %I IS %L', partition_name,
            to_char(month_start, '"Calls that began in "YYYY-MM" (UTC); a partition of cdr."'));
        EXECUTE format(
            'WITH moved AS (DELETE FROM cdr_default WHERE initiated_at >= $1 AND initiated_at < $2 RETURNING *)
             INSERT INTO %I SELECT * FROM moved', partition_name) USING month_start, month_end;
        EXECUTE format('ALTER TABLE cdr ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, month_start, month_end);
        RETURN NEXT partition_name;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION cdr_ensure_partitions(INT) IS
    'Makes the partitions of cdr from the current month (UTC) to months_ahead months later and returns the names of the new ones. May run at any time, also twice at once.';

REVOKE ALL ON FUNCTION cdr_ensure_partitions(INT) FROM PUBLIC;

SELECT cdr_ensure_partitions();
