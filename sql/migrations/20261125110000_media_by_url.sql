-- Asterisk fetches media_files from the app by URL, and rows of type moh are music on hold.
-- Whoever knows an address may fetch the audio; so it holds a secret of the row's own.

ALTER TABLE media_files ADD COLUMN url_token UUID NOT NULL DEFAULT gen_random_uuid();

COMMENT ON COLUMN media_files.url_token IS 'Secret part of the address at which Asterisk fetches the audio. A new value makes old addresses invalid.';

CREATE TABLE media_server (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    base_url TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);

COMMENT ON TABLE media_server IS 'Where Asterisk reaches the app. Written by the app when it starts.';
COMMENT ON COLUMN media_server.only_row IS 'Always true: there is one row at the most.';
COMMENT ON COLUMN media_server.base_url IS 'Beginning of every address of audio, e.g. http://127.0.0.1:15080.';
COMMENT ON COLUMN media_server.changed_at IS 'When base_url last changed.';

-- The mark at the end makes another storage_path another address: Asterisk keeps what it has fetched.
CREATE FUNCTION media_path(id UUID, url_token UUID, storage_path TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '/media/' || id || '/' || replace(url_token::TEXT, '-', '') || '/'
    || left(md5(storage_path), 12);

COMMENT ON FUNCTION media_path(UUID, UUID, TEXT) IS
    'The part of the address of a row of media_files that follows media_server.base_url.';

CREATE VIEW held_music AS
SELECT file.id, file.name, file.created_at, file.url_token, file.storage_path
FROM media_files AS file
LEFT JOIN system_settings AS setting ON setting.key = 'media.default_moh'
WHERE file.file_type = 'moh'
    AND CASE jsonb_typeof(coalesce(setting.value, 'null'))
        WHEN 'null' THEN TRUE
        WHEN 'string' THEN lower(btrim(file.name)) = lower(btrim(setting.value #>> '{}'))
        ELSE FALSE END;

COMMENT ON VIEW held_music IS
    'What a caller on hold hears, in the order of the names: the rows of media_files that media.default_moh in system_settings means. Without any: Asterisk''s own music.';
COMMENT ON COLUMN held_music.name IS 'media_files.name.';
COMMENT ON COLUMN held_music.url_token IS 'media_files.url_token.';
COMMENT ON COLUMN held_music.storage_path IS 'media_files.storage_path.';

CREATE VIEW musiconhold AS
SELECT id::TEXT AS name, 'playlist'::TEXT AS mode
FROM media_files
WHERE file_type = 'moh' AND EXISTS (SELECT FROM media_server)
UNION ALL
SELECT 'held'::TEXT, 'playlist'::TEXT
WHERE EXISTS (SELECT FROM held_music) AND EXISTS (SELECT FROM media_server);

COMMENT ON VIEW musiconhold IS
    'Asterisk''s classes of music on hold: one for each row of media_files of type moh, named by its id, and held.';
COMMENT ON COLUMN musiconhold.name IS 'media_files.id, or held: what callers on hold hear.';
COMMENT ON COLUMN musiconhold.mode IS 'How Asterisk plays the class: playlist.';

CREATE VIEW musiconhold_entry AS
SELECT id::TEXT AS name, 0 AS position,
    base_url || media_path(id, url_token, storage_path) AS entry
FROM media_files, media_server
WHERE file_type = 'moh'
UNION ALL
SELECT 'held'::TEXT, (row_number() OVER (ORDER BY name, created_at, id) - 1)::INT,
    base_url || media_path(id, url_token, storage_path)
FROM held_music, media_server;

COMMENT ON VIEW musiconhold_entry IS 'What Asterisk plays in each class of musiconhold.';
COMMENT ON COLUMN musiconhold_entry.name IS 'musiconhold.name.';
COMMENT ON COLUMN musiconhold_entry.position IS 'Place in the class, from 0.';
COMMENT ON COLUMN musiconhold_entry.entry IS 'Address of the audio.';

-- plpgsql keeps its plan, and Asterisk may not read what it is made of
CREATE FUNCTION held_class() RETURNS TEXT
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM musiconhold WHERE name = 'held')
        THEN 'held' ELSE 'default' END;
END
$$;

COMMENT ON FUNCTION held_class() IS
    'The class of music on hold that endpoints ask for: held, or default (Asterisk''s own music) while held_music is empty.';

-- The views as they are, with one expression changed: what else they hold is not repeated here.
DO $$
DECLARE
    endpoints TEXT := pg_get_viewdef('ps_endpoints'::REGCLASS);
    changed TEXT := replace(endpoints, '''default''::text AS moh_suggest', 'held_class() AS moh_suggest');
BEGIN
    IF changed = endpoints THEN
        RAISE EXCEPTION 'ps_endpoints has no moh_suggest that could be changed';
    END IF;
    EXECUTE 'CREATE OR REPLACE VIEW ps_endpoints AS ' || changed;
END
$$;

GRANT SELECT ON musiconhold, musiconhold_entry TO asterisk;

INSERT INTO system_settings (key, value, description) VALUES
    ('media.default_moh', 'null',
     'What callers on hold hear. null: all media files of type moh, in the order of their names; "a name": those of that name; false: Asterisk''s own music, as when there are no such files.')
ON CONFLICT (key) DO NOTHING;
