DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW ps_endpoints AS ' || replace(
        pg_get_viewdef('ps_endpoints'::REGCLASS),
        'held_class() AS moh_suggest', '''default''::text AS moh_suggest');
END
$$;

DROP FUNCTION held_class();
DROP VIEW musiconhold_entry;
DROP VIEW musiconhold;
DROP VIEW held_music;
DROP FUNCTION media_path(UUID, UUID, TEXT);
DROP TABLE media_server;
ALTER TABLE media_files DROP COLUMN url_token;
-- The setting stays: an admin may have edited it, and nothing depends on it.
