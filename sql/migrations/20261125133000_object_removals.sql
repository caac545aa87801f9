-- A row that goes takes its object along: triggers write down the path, the app removes the object.
-- So a DELETE works while the object store is away.

CREATE TABLE object_removals (
    storage_path TEXT PRIMARY KEY,
    since TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    attempts INT NOT NULL DEFAULT 0,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    problem TEXT
);
CREATE INDEX idx_object_removals_next_try_at ON object_removals(next_try_at);

COMMENT ON TABLE object_removals IS 'Objects to remove from the object store, because no row uses them any more. One that a row does use is left alone.';
COMMENT ON COLUMN object_removals.storage_path IS 'Key of the object in the bucket of the object store.';
COMMENT ON COLUMN object_removals.since IS 'Since when it is to go.';
COMMENT ON COLUMN object_removals.attempts IS 'How often that failed.';
COMMENT ON COLUMN object_removals.next_try_at IS 'When it is tried next.';
COMMENT ON COLUMN object_removals.problem IS 'Why it failed last. NULL: it has not.';

CREATE INDEX idx_voicemail_messages_storage_path ON voicemail_messages(storage_path);
CREATE INDEX idx_media_files_storage_path ON media_files(storage_path);
CREATE INDEX idx_recordings_storage_path ON recordings(storage_path);

CREATE FUNCTION remove_objects() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO object_removals (storage_path)
        SELECT DISTINCT storage_path FROM old_rows
        ON CONFLICT DO NOTHING;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO object_removals (storage_path) VALUES (OLD.storage_path)
        ON CONFLICT DO NOTHING;
    ELSE
        EXECUTE format(
            'INSERT INTO object_removals (storage_path) SELECT DISTINCT storage_path FROM %I
             ON CONFLICT DO NOTHING', TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION remove_objects() IS
    'Trigger: notes in object_removals the objects of rows that go, or get another storage_path.';

DO $$
DECLARE
    with_objects TEXT;
BEGIN
    FOREACH with_objects IN ARRAY ARRAY['voicemail_messages', 'media_files'] LOOP
        EXECUTE format(
            'CREATE TRIGGER remove_objects_delete AFTER DELETE ON %I
                REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION remove_objects();
             CREATE TRIGGER remove_objects_update AFTER UPDATE OF storage_path ON %1$I
                FOR EACH ROW WHEN (NEW.storage_path <> OLD.storage_path)
                EXECUTE FUNCTION remove_objects();
             CREATE TRIGGER remove_objects_truncate BEFORE TRUNCATE ON %1$I
                FOR EACH STATEMENT EXECUTE FUNCTION remove_objects();
             COMMENT ON TRIGGER remove_objects_delete ON %1$I IS ''The object goes with its row.'';
             COMMENT ON TRIGGER remove_objects_update ON %1$I IS ''The old object goes.'';
             COMMENT ON TRIGGER remove_objects_truncate ON %1$I IS ''The objects go with their rows.''',
            with_objects);
    END LOOP;
END
$$;

CREATE FUNCTION announce_removals() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        PERFORM pg_notify('pbx_changes', TG_TABLE_NAME || ':*');
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_removals() IS 'Trigger: announces that there are objects to remove.';

CREATE TRIGGER announce_insert AFTER INSERT ON object_removals
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_removals();
