-- The app refreshes its snapshot from these notifications, so an edited row counts for the next
-- call. Payload on channel pbx_changes: 'table:id,id,…', or 'table:*' for "read the whole table".

CREATE FUNCTION announce(table_name TEXT, ids TEXT[])
RETURNS VOID
LANGUAGE plpgsql
AS $$
BEGIN
    IF cardinality(ids) > 100 THEN
        PERFORM pg_notify('pbx_changes', table_name || ':*');
    ELSIF cardinality(ids) > 0 THEN
        PERFORM pg_notify('pbx_changes', table_name || ':' || array_to_string(ids, ','));
    END IF;
END;
$$;

COMMENT ON FUNCTION announce(TEXT, TEXT[]) IS
    'Tells listeners of pbx_changes which rows of a table have changed; more than 100 ids become *.';

-- A row whose updated_at alone has moved is not a change.
CREATE FUNCTION announce_changes()
RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    ids TEXT[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT id FROM new_rows LIMIT 101);
    ELSIF TG_OP = 'DELETE' THEN
        ids := ARRAY(SELECT id FROM old_rows LIMIT 101);
    ELSE
        ids := ARRAY(
            SELECT COALESCE(o.id, n.id)
            FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE to_jsonb(o) - 'updated_at' IS DISTINCT FROM to_jsonb(n) - 'updated_at'
            LIMIT 101);
    END IF;
    PERFORM announce(TG_TABLE_NAME, ids);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION announce_changes() IS
    'Trigger: announces the ids of the configuration rows that a statement has changed.';

-- Refreshes that merely prolong a live registration are the mass case and stay silent: a reader
-- looks a row up again before it believes that the row has expired.
CREATE FUNCTION announce_registrations()
RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    ids TEXT[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT DISTINCT extension_id FROM new_rows LIMIT 101);
    ELSIF TG_OP = 'DELETE' THEN
        ids := ARRAY(SELECT DISTINCT extension_id FROM old_rows LIMIT 101);
    ELSE
        ids := ARRAY(
            SELECT DISTINCT unnest(ARRAY[o.extension_id, n.extension_id])
            FROM old_rows o JOIN new_rows n USING (id)
            WHERE (o.extension_id, o.contact_uri, o.transport, o.ip_address, o.port)
                    IS DISTINCT FROM (n.extension_id, n.contact_uri, n.transport, n.ip_address, n.port)
               OR (o.expires_at <= now() AND n.expires_at > now())
               OR n.expires_at < o.expires_at
            LIMIT 101);
    END IF;
    PERFORM announce(TG_TABLE_NAME, ids);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION announce_registrations() IS
    'Trigger: announces the extension_ids whose contacts a statement has added, moved, revived, shortened or removed.';

CREATE FUNCTION announce_truncate()
RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('pbx_changes', TG_TABLE_NAME || ':*');
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION announce_truncate() IS 'Trigger: announces that a configuration table was emptied.';

DO $$
DECLARE
    announced TEXT;
    announcer TEXT;
BEGIN
    FOREACH announced IN ARRAY ARRAY[
        'users', 'extensions', 'extension_registrations', 'trunks', 'inbound_rules', 'outbound_rules',
        'time_profiles', 'queues', 'queue_members', 'ivr_menus', 'ivr_menu_options', 'voicemail_boxes',
        'conferences', 'media_files', 'system_settings', 'blacklist']
    LOOP
        announcer := CASE announced
            WHEN 'extension_registrations' THEN 'announce_registrations' ELSE 'announce_changes' END;
        EXECUTE format(
            'CREATE TRIGGER announce_insert AFTER INSERT ON %I
                REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %I();
             CREATE TRIGGER announce_update AFTER UPDATE ON %1$I
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER announce_delete AFTER DELETE ON %1$I
                REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER announce_truncate AFTER TRUNCATE ON %1$I
                FOR EACH STATEMENT EXECUTE FUNCTION announce_truncate()',
            announced, announcer);
    END LOOP;
END;
$$;

INSERT INTO system_settings (key, value, description) VALUES
    ('calls.default_ring_seconds', '30',
     'Seconds a called extension rings when it has no forward on no answer of its own.'),
    ('calls.max_hops', '10',
     'Forwards and other redirections one call may take; the next one ends it.'),
    ('calls.max_setting_up', '25',
     'Calls that may be set up at the same time; while there are so many, a new call gets 503.'),
    ('security.max_login_attempts', '5', 'Max failed login attempts before lockout'),
    ('security.allowed_countries', '["DE", "AT", "CH"]', 'Country whitelist for SIP'),
    ('recordings.default_retention_days', '90', 'Default retention for recordings')
ON CONFLICT (key) DO NOTHING;
