-- Settings stay: an admin may have edited them, and the schema does not depend on them.
DO $$
DECLARE
    announcing RECORD;
BEGIN
    FOR announcing IN
        SELECT tgname, tgrelid::regclass AS announced FROM pg_trigger
        WHERE tgfoid IN ('announce_changes()'::regprocedure, 'announce_registrations()'::regprocedure,
                         'announce_truncate()'::regprocedure)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', announcing.tgname, announcing.announced);
    END LOOP;
END;
$$;

DROP FUNCTION announce_truncate();
DROP FUNCTION announce_registrations();
DROP FUNCTION announce_changes();
DROP FUNCTION announce(TEXT, TEXT[]);
