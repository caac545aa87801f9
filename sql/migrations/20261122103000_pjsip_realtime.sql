-- Phones exist because a row exists: Asterisk reads its PJSIP objects from the views ps_* over
-- extensions and writes each registration through ps_contacts into extension_registrations.

DO $$
BEGIN
    CREATE ROLE asterisk NOLOGIN;
    -- One connection serves all phones: a statement that waits for a lock must not silence them,
    -- and a registration lost in a crash of the server is sent again by the phone.
    ALTER ROLE asterisk SET statement_timeout = '3s';
    ALTER ROLE asterisk SET synchronous_commit = 'off';
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster; another database made it
END
$$;

-- What Asterisk's realtime driver takes literally: it splits values at ';', strips blanks at the
-- ends and decodes ^XX.
CREATE FUNCTION asterisk_encode(value TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(value,
    '^', '^5E'), ';', '^3B'), ' ', '^20'), E'\t', '^09'), E'\r', '^0D'), E'\n', '^0A');

CREATE FUNCTION asterisk_decode(value TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(value, '^3B', ';'), '^5E', '^');

COMMENT ON FUNCTION asterisk_encode(TEXT) IS
    'A text as Asterisk''s realtime driver must receive it (semicolons, carets, white space as ^XX).';
COMMENT ON FUNCTION asterisk_decode(TEXT) IS
    'A text that Asterisk''s realtime driver sent, with ^3B and ^5E readable again.';

-- plpgsql, because it keeps its plan: as SQL it would be planned anew for every SIP request.
CREATE FUNCTION asterisk_codecs(preferences TEXT[]) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    preference TEXT;
    codec TEXT;
    codecs TEXT[] := '{}';
BEGIN
    FOREACH preference IN ARRAY coalesce(preferences, '{}') LOOP
        codec := CASE lower(btrim(preference))
            WHEN 'opus' THEN 'opus'
            WHEN 'g722' THEN 'g722'
            WHEN 'pcmu' THEN 'ulaw' WHEN 'ulaw' THEN 'ulaw' WHEN 'g711u' THEN 'ulaw'
            WHEN 'pcma' THEN 'alaw' WHEN 'alaw' THEN 'alaw' WHEN 'g711a' THEN 'alaw'
            WHEN 'g726' THEN 'g726'
            WHEN 'gsm' THEN 'gsm'
            WHEN 'speex' THEN 'speex'
            WHEN 'speex16' THEN 'speex16'
            WHEN 'speex32' THEN 'speex32'
        END;
        IF codec IS NOT NULL AND codec <> ALL (codecs) THEN
            codecs := codecs || codec;
        END IF;
    END LOOP;
    IF codecs = '{}' THEN
        codecs := ARRAY['opus', 'g722', 'ulaw', 'alaw'];
    END IF;
    RETURN '!all,' || array_to_string(codecs, ',');
END
$$;

COMMENT ON FUNCTION asterisk_codecs(TEXT[]) IS
    'Codec preferences as Asterisk''s allow option: in order, each once, unknown words left out; '
    'opus, g722, pcmu, pcma when none is left.';

-- Quotes, angle brackets, control and direction marks could make a name pass for a number.
-- Asterisk cuts a name to 79 bytes; here it is cut where a character ends.
CREATE FUNCTION asterisk_name(display_name TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT left(clean, fitting)
    FROM btrim(regexp_replace(coalesce(display_name, ''),
            '[\u0001-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"<>\\]',
            '', 'g')) AS clean,
        generate_series(least(length(clean), 79), 0, -1) AS fitting
    WHERE octet_length(left(clean, fitting)) <= 79
    LIMIT 1);

COMMENT ON FUNCTION asterisk_name(TEXT) IS
    'A display name without anything that could forge a SIP header, 79 bytes long at the most.';

CREATE FUNCTION asterisk_callerid(display_name TEXT, number TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('"%s" <%s>', asterisk_name(display_name), number);

COMMENT ON FUNCTION asterisk_callerid(TEXT, TEXT) IS
    'Caller ID as "name" <number>, the name without anything that could forge a SIP header.';

CREATE VIEW sip_phones AS
SELECT id, number::TEXT AS number, extension_type, sip_password, display_name, codec_preferences,
    max_concurrent_calls
FROM extensions
WHERE status = 'active'
    AND deleted_at IS NULL
    AND extension_type IN ('sip', 'webrtc')
    AND btrim(sip_password) <> ''
    AND number ~ '^([0-9]|[0-9A-Za-z][0-9A-Za-z_.+-]+)$';

COMMENT ON VIEW sip_phones IS
    'Extensions that may have phones: active, not deleted, not virtual, with a password and a '
    'number that can be part of a SIP address.';

CREATE VIEW ps_endpoints AS
SELECT number AS id,
    number AS aors,
    number AS auth,
    'from-phones'::TEXT AS context,
    asterisk_codecs(codec_preferences) AS allow,
    asterisk_encode(asterisk_callerid(display_name, number)) AS callerid,
    'username'::TEXT AS identify_by,
    CASE extension_type WHEN 'webrtc' THEN 'yes' ELSE 'no' END AS webrtc,
    'no'::TEXT AS direct_media,
    'yes'::TEXT AS rtp_symmetric,
    'yes'::TEXT AS force_rport,
    'yes'::TEXT AS rewrite_contact,
    'local_merge'::TEXT AS outgoing_call_offer_pref,
    'rfc4733'::TEXT AS dtmf_mode,
    'no'::TEXT AS trust_id_inbound,
    'no'::TEXT AS trust_connected_line,
    'yes'::TEXT AS send_connected_line,
    'yes'::TEXT AS send_pai,
    'no'::TEXT AS allow_overlap,
    'default'::TEXT AS moh_suggest,
    NULL::TEXT AS mailboxes,
    greatest(max_concurrent_calls, 0) AS device_state_busy_at,
    120 AS rtp_timeout,
    1800 AS rtp_timeout_hold,
    'PBX-X'::TEXT AS sdp_session
FROM sip_phones;

COMMENT ON VIEW ps_endpoints IS 'Asterisk''s PJSIP endpoints, one for each row of sip_phones.';

CREATE VIEW ps_auths AS
SELECT number AS id,
    'userpass'::TEXT AS auth_type,
    number AS username,
    asterisk_encode(sip_password) AS password
FROM sip_phones;

COMMENT ON VIEW ps_auths IS 'Asterisk''s PJSIP credentials, one for each row of sip_phones.';

CREATE VIEW ps_aors AS
SELECT number AS id,
    5 AS max_contacts,
    'yes'::TEXT AS remove_existing,
    'yes'::TEXT AS remove_unavailable,
    60 AS minimum_expiration,
    300 AS default_expiration,
    3600 AS maximum_expiration,
    60 AS qualify_frequency,
    '3.0'::TEXT AS qualify_timeout,
    'yes'::TEXT AS support_path
FROM sip_phones;

COMMENT ON VIEW ps_aors IS
    'Asterisk''s PJSIP addresses of record, one for each row of sip_phones.';

ALTER TABLE extension_registrations
    ADD COLUMN contact_id TEXT,
    ADD COLUMN long_contact_uri TEXT,
    ADD COLUMN path TEXT,
    ADD COLUMN call_id TEXT,
    ADD COLUMN via_addr TEXT,
    ADD COLUMN via_port INT,
    ADD COLUMN reg_server TEXT,
    ADD COLUMN prune_on_boot BOOLEAN NOT NULL DEFAULT FALSE;

COMMENT ON COLUMN extension_registrations.contact_id IS
    'Asterisk''s own name of the contact; a phone that registers again keeps its row.';
COMMENT ON COLUMN extension_registrations.long_contact_uri IS
    'The whole contact URI when contact_uri, limited to 255 characters, holds only its beginning.';
COMMENT ON COLUMN extension_registrations.path IS 'SIP Path header of the registration.';
COMMENT ON COLUMN extension_registrations.call_id IS 'SIP Call-ID of the registration.';
COMMENT ON COLUMN extension_registrations.via_addr IS
    'Address in the Via header: what the phone believes to be its own.';
COMMENT ON COLUMN extension_registrations.via_port IS 'Port in the Via header.';
COMMENT ON COLUMN extension_registrations.reg_server IS
    'Name of the Asterisk where the phone registered.';
COMMENT ON COLUMN extension_registrations.prune_on_boot IS
    'The contact is tied to a connection and does not survive a restart of Asterisk.';

-- text_pattern_ops: Asterisk finds the contacts of a phone by id LIKE '1001^3B@%'
CREATE UNIQUE INDEX idx_extension_registrations_contact_id
    ON extension_registrations (contact_id text_pattern_ops);
CREATE INDEX idx_extension_registrations_expires_epoch
    ON extension_registrations ((extract(epoch FROM expires_at AT TIME ZONE 'UTC')::BIGINT));

-- Expired rows stay visible here: Asterisk deletes them itself and so learns that the phone is gone.
CREATE VIEW ps_contacts AS
SELECT registration.contact_id AS id,
    asterisk_encode(coalesce(registration.long_contact_uri, registration.contact_uri)) AS uri,
    extract(epoch FROM registration.expires_at AT TIME ZONE 'UTC')::BIGINT AS expiration_time,
    60 AS qualify_frequency,
    '3.0'::TEXT AS qualify_timeout,
    'no'::TEXT AS qualify_2xx_only,
    'no'::TEXT AS authenticate_qualify,
    NULL::TEXT AS outbound_proxy,
    asterisk_encode(registration.path) AS path,
    asterisk_encode(registration.user_agent) AS user_agent,
    phone.number AS endpoint,
    registration.reg_server,
    registration.via_addr,
    registration.via_port,
    asterisk_encode(registration.call_id) AS call_id,
    CASE WHEN registration.prune_on_boot THEN 'yes' ELSE 'no' END AS prune_on_boot
FROM extension_registrations AS registration
JOIN sip_phones AS phone ON phone.id = registration.extension_id
WHERE registration.contact_id IS NOT NULL;

COMMENT ON VIEW ps_contacts IS
    'Asterisk''s PJSIP contacts: registrations as it reads and writes them.';

CREATE FUNCTION contact_transport(uri TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN uri ~* ';transport=wss?(;|$)' THEN 'wss'
    WHEN uri ~* ';transport=tls(;|$)' OR uri ~* '^sips:' THEN 'tls'
    WHEN uri ~* ';transport=tcp(;|$)' THEN 'tcp'
    ELSE 'udp'
END;

COMMENT ON FUNCTION contact_transport(TEXT) IS
    'Transport of a contact URI as extension_registrations names it.';

CREATE FUNCTION store_contact() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    contact TEXT := asterisk_decode(NEW.uri);
    host_port TEXT[] := regexp_match(contact,
        '^sips?:(?:[^@]*@)?(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(\d+))?(?:[;?]|$)', 'i');
BEGIN
    INSERT INTO extension_registrations (
        extension_id, contact_id, contact_uri, long_contact_uri, user_agent, ip_address, port,
        transport, expires_at, path, call_id, via_addr, via_port, reg_server, prune_on_boot)
    SELECT phone.id, NEW.id, left(contact, 255),
        CASE WHEN length(contact) > 255 THEN contact END, asterisk_decode(NEW.user_agent),
        coalesce(host_port[1], host_port[2], '0.0.0.0')::INET, coalesce(host_port[3]::INT, 5060),
        contact_transport(contact), to_timestamp(NEW.expiration_time),
        asterisk_decode(NEW.path), asterisk_decode(NEW.call_id), NEW.via_addr, NEW.via_port,
        NEW.reg_server, coalesce(NEW.prune_on_boot IN ('yes', 'true', '1'), FALSE)
    FROM sip_phones AS phone
    WHERE phone.number = NEW.endpoint
    ON CONFLICT (contact_id) DO UPDATE SET
        extension_id = EXCLUDED.extension_id, contact_uri = EXCLUDED.contact_uri,
        long_contact_uri = EXCLUDED.long_contact_uri, user_agent = EXCLUDED.user_agent,
        ip_address = EXCLUDED.ip_address, port = EXCLUDED.port, transport = EXCLUDED.transport,
        expires_at = EXCLUDED.expires_at, path = EXCLUDED.path, call_id = EXCLUDED.call_id,
        via_addr = EXCLUDED.via_addr, via_port = EXCLUDED.via_port,
        reg_server = EXCLUDED.reg_server, prune_on_boot = EXCLUDED.prune_on_boot;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION store_contact() IS
    'Writes a contact that Asterisk stores or refreshes into extension_registrations.';

CREATE FUNCTION remove_contact() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM extension_registrations WHERE contact_id = OLD.id;
    RETURN OLD;
END
$$;

COMMENT ON FUNCTION remove_contact() IS
    'Deletes the registration of a contact that Asterisk removes.';

CREATE TRIGGER store_contact INSTEAD OF INSERT OR UPDATE ON ps_contacts
    FOR EACH ROW EXECUTE FUNCTION store_contact();
CREATE TRIGGER remove_contact INSTEAD OF DELETE ON ps_contacts
    FOR EACH ROW EXECUTE FUNCTION remove_contact();

CREATE FUNCTION sweep_registrations() RETURNS BIGINT
LANGUAGE sql
BEGIN ATOMIC
    WITH swept AS (
        DELETE FROM extension_registrations
        WHERE expires_at < now() - INTERVAL '2 minutes'
        RETURNING 1)
    SELECT count(*) FROM swept;
END;

COMMENT ON FUNCTION sweep_registrations() IS
    'Deletes registrations that expired two minutes ago or earlier and returns how many: what a '
    'running Asterisk has not removed by then, it never will.';

REVOKE ALL ON FUNCTION store_contact(), remove_contact(), sweep_registrations() FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
GRANT USAGE ON SCHEMA public TO asterisk;
GRANT SELECT ON ps_endpoints, ps_auths, ps_aors, ps_contacts TO asterisk;
GRANT INSERT, UPDATE, DELETE ON ps_contacts TO asterisk;
