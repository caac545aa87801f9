-- Partitions that hold calls stay, so that no call detail record is lost.
DO $$
DECLARE
    part REGCLASS;
    holds_calls BOOLEAN;
BEGIN
    LOCK TABLE cdr IN ACCESS EXCLUSIVE MODE;
    FOR part IN
        SELECT inhrelid FROM pg_inherits
        WHERE inhparent = 'cdr'::regclass AND inhrelid != 'cdr_2025_11'::regclass
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', part) INTO holds_calls;
        CONTINUE WHEN holds_calls;
        EXECUTE format('DROP TABLE %s', part);
    END LOOP;
END;
$$;

DROP FUNCTION cdr_ensure_partitions(INT);
