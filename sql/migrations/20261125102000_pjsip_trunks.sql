-- Trunks exist because a row exists, as phones do: the views ps_* hold their endpoints, credentials
-- and addresses too. Registrations, and the addresses that a trunk's calls come from, Asterisk does
-- not read: the app pushes them.

CREATE FUNCTION asterisk_codecs(preferences TEXT[], when_none TEXT[]) RETURNS TEXT
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
        codecs := when_none;
    END IF;
    RETURN '!all,' || array_to_string(codecs, ',');
END
$$;

CREATE OR REPLACE FUNCTION asterisk_codecs(preferences TEXT[]) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN asterisk_codecs(preferences, ARRAY['opus', 'g722', 'ulaw', 'alaw']);
END
$$;

COMMENT ON FUNCTION asterisk_codecs(TEXT[], TEXT[]) IS
    'Codec preferences as Asterisk''s allow option: in order, each once, unknown words left out; '
    'when_none when none is left.';

CREATE VIEW sip_trunks AS
SELECT endpoint, id, name, trunk_type, status,
    btrim(host, ' []') AS host,
    coalesce(port, CASE transport WHEN 'tls' THEN 5061 ELSE 5060 END) AS port,
    transport,
    sip_uri(host, port, transport) AS uri,
    nullif(username, '') AS username,
    CASE WHEN btrim(password) <> ''
        THEN coalesce(nullif(auth_username, ''), nullif(username, '')) END AS auth_username,
    CASE WHEN btrim(password) <> '' THEN password END AS password,
    allowed_ips, codec_preferences, dtmf_mode, media_encryption
FROM trunks
WHERE endpoint IS NOT NULL;

COMMENT ON VIEW sip_trunks IS
    'Trunks that Asterisk knows: active or testing, not deleted, with a host and a port that can be part of a SIP address.';
COMMENT ON COLUMN sip_trunks.endpoint IS 'Name of its endpoint, credentials and address in Asterisk.';
COMMENT ON COLUMN sip_trunks.name IS 'trunks.name.';
COMMENT ON COLUMN sip_trunks.trunk_type IS 'register, ip_auth or static.';
COMMENT ON COLUMN sip_trunks.status IS 'active or testing.';
COMMENT ON COLUMN sip_trunks.host IS 'Host name or address, without the brackets of IPv6.';
COMMENT ON COLUMN sip_trunks.port IS 'SIP port; where trunks.port is NULL 5060, with tls 5061.';
COMMENT ON COLUMN sip_trunks.transport IS 'udp, tcp or tls.';
COMMENT ON COLUMN sip_trunks.uri IS 'SIP address of the carrier, e.g. sip:[2001:db8::1]:5061;transport=tls.';
COMMENT ON COLUMN sip_trunks.username IS 'SIP user name the carrier gave. NULL: none.';
COMMENT ON COLUMN sip_trunks.auth_username IS 'User name for authentication. NULL: none, or no password.';
COMMENT ON COLUMN sip_trunks.password IS 'Its password, in clear text. NULL: none.';
COMMENT ON COLUMN sip_trunks.allowed_ips IS 'Addresses or networks the carrier calls from. NULL: the addresses of host.';
COMMENT ON COLUMN sip_trunks.codec_preferences IS 'Codecs offered to the carrier, in this order.';
COMMENT ON COLUMN sip_trunks.dtmf_mode IS 'rfc2833, inband or info. NULL: rfc2833.';
COMMENT ON COLUMN sip_trunks.media_encryption IS 'none or sdes.';

-- Both parts read their table itself, not sip_phones or sip_trunks: planning through one view more
-- would cost each lookup a third. Their types are the same, or no index below the UNION were used.
-- NULL leaves an option at Asterisk's default. Nobody can log in as a trunk: it has no auth of its
-- own, no contacts, and is never identified by a user name.
CREATE OR REPLACE VIEW ps_endpoints AS
SELECT endpoint AS id,
    endpoint AS aors,
    endpoint AS auth,
    'from-phones'::TEXT AS context,
    asterisk_codecs(codec_preferences) AS allow,
    asterisk_encode(asterisk_callerid(display_name, endpoint)) AS callerid,
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
    'PBX-X'::TEXT AS sdp_session,
    NULL::TEXT AS outbound_auth,
    NULL::TEXT AS from_domain,
    NULL::TEXT AS media_encryption,
    NULL::TEXT AS trust_id_outbound,
    NULL::TEXT AS send_diversion,
    NULL::TEXT AS allow_subscribe
FROM extensions
WHERE endpoint IS NOT NULL
UNION ALL
SELECT endpoint AS id,
    endpoint AS aors,
    NULL::TEXT AS auth,
    'from-trunks'::TEXT AS context,
    asterisk_codecs(codec_preferences, ARRAY['ulaw', 'alaw', 'g722', 'opus']) AS allow,
    NULL::TEXT AS callerid,
    'ip'::TEXT AS identify_by,
    'no'::TEXT AS webrtc,
    'no'::TEXT AS direct_media,
    'yes'::TEXT AS rtp_symmetric,
    'yes'::TEXT AS force_rport,
    'no'::TEXT AS rewrite_contact,
    'local_merge'::TEXT AS outgoing_call_offer_pref,
    -- auto: RFC 4733, and in band with a carrier that does not offer it
    CASE dtmf_mode WHEN 'inband' THEN 'inband' WHEN 'info' THEN 'info' ELSE 'auto' END
        AS dtmf_mode,
    'yes'::TEXT AS trust_id_inbound,
    'no'::TEXT AS trust_connected_line,
    'no'::TEXT AS send_connected_line,
    'yes'::TEXT AS send_pai,
    'no'::TEXT AS allow_overlap,
    'default'::TEXT AS moh_suggest,
    NULL::TEXT AS mailboxes,
    0 AS device_state_busy_at,
    120 AS rtp_timeout,
    1800 AS rtp_timeout_hold,
    'PBX-X'::TEXT AS sdp_session,
    CASE WHEN btrim(password) <> '' AND coalesce(nullif(auth_username, ''), username) <> ''
        THEN endpoint END AS outbound_auth,
    CASE trunk_type WHEN 'register' THEN btrim(host, ' []') END AS from_domain,
    CASE media_encryption WHEN 'sdes' THEN 'sdes' ELSE 'no' END AS media_encryption,
    'yes'::TEXT AS trust_id_outbound,
    'yes'::TEXT AS send_diversion,
    'no'::TEXT AS allow_subscribe
FROM trunks
WHERE endpoint IS NOT NULL;

COMMENT ON VIEW ps_endpoints IS
    'Asterisk''s PJSIP endpoints, one for each row of sip_phones and of sip_trunks.';

-- A trunk that was made inactive has to prove itself once more, to end its registration.
CREATE UNIQUE INDEX idx_trunks_credentials ON trunks (('trunk-' || id::TEXT));

CREATE OR REPLACE VIEW ps_auths AS
SELECT endpoint AS id,
    'userpass'::TEXT AS auth_type,
    endpoint AS username,
    asterisk_encode(sip_password) AS password
FROM extensions
WHERE endpoint IS NOT NULL
UNION ALL
SELECT 'trunk-' || id::TEXT AS id,
    'userpass'::TEXT AS auth_type,
    asterisk_encode(coalesce(nullif(auth_username, ''), username)) AS username,
    asterisk_encode(password) AS password
FROM trunks
WHERE btrim(password) <> ''
    AND coalesce(nullif(auth_username, ''), username) <> '';

COMMENT ON VIEW ps_auths IS
    'Asterisk''s PJSIP credentials: those that it demands from sip_phones, and those that it gives to carriers (also of trunks that are inactive now).';

CREATE OR REPLACE VIEW ps_aors AS
SELECT endpoint AS id,
    5 AS max_contacts,
    'yes'::TEXT AS remove_existing,
    'yes'::TEXT AS remove_unavailable,
    60 AS minimum_expiration,
    300 AS default_expiration,
    3600 AS maximum_expiration,
    60 AS qualify_frequency,
    '3.0'::TEXT AS qualify_timeout,
    'yes'::TEXT AS support_path,
    NULL::TEXT AS contact
FROM extensions
WHERE endpoint IS NOT NULL
UNION ALL
SELECT endpoint AS id,
    0 AS max_contacts,
    NULL::TEXT AS remove_existing,
    NULL::TEXT AS remove_unavailable,
    NULL::INT AS minimum_expiration,
    NULL::INT AS default_expiration,
    NULL::INT AS maximum_expiration,
    0 AS qualify_frequency,
    NULL::TEXT AS qualify_timeout,
    NULL::TEXT AS support_path,
    asterisk_encode(sip_uri(host, port, transport)) AS contact
FROM trunks
WHERE endpoint IS NOT NULL;

COMMENT ON VIEW ps_aors IS
    'Asterisk''s PJSIP addresses of record: of sip_phones, where they register, and of sip_trunks, with their fixed address.';
