DO $$
DECLARE
    known TEXT := pg_get_functiondef('store_contact()'::REGPROCEDURE);
    changed TEXT := replace(known, 
        E'    IF NEW.authenticate_qualify IN (''yes'', ''true'', ''1'') THEN\n'
        '        RETURN NEW;\n'
        '    END IF;\n',
        '');
BEGIN
    IF changed = known THEN
        RAISE EXCEPTION 'store_contact() is not as it was expected to be';
    END IF;
    EXECUTE changed;
END
$$;

COMMENT ON FUNCTION store_contact() IS
    'Writes a contact that Asterisk stores or refreshes into extension_registrations.';

-- A view loses columns only by being made anew.
DROP VIEW ps_aors, ps_endpoints;

CREATE VIEW ps_endpoints AS
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
    held_class() AS moh_suggest,
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
    held_class() AS moh_suggest,
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

CREATE VIEW ps_aors AS
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

GRANT SELECT ON ps_endpoints, ps_aors TO asterisk;
