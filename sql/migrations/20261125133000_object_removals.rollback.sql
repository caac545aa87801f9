DO $$
DECLARE
    removing RECORD;
BEGIN
    FOR removing IN
        SELECT tgname, tgrelid::regclass AS with_objects FROM pg_trigger
        WHERE tgfoid = 'remove_objects()'::regprocedure
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', removing.tgname, removing.with_objects);
    END LOOP;
END
$$;

DROP FUNCTION remove_objects();
DROP INDEX idx_recordings_storage_path, idx_media_files_storage_path, idx_voicemail_messages_storage_path;
DROP TABLE object_removals;
DROP FUNCTION announce_removals();
