DROP VIEW ps_aors, ps_auths, ps_endpoints, sip_trunks;

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

GRANT SELECT ON ps_endpoints, ps_auths, ps_aors TO asterisk;

CREATE OR REPLACE FUNCTION asterisk_codecs(preferences TEXT[]) RETURNS TEXT
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

DROP FUNCTION asterisk_codecs(TEXT[], TEXT[]);
DROP INDEX idx_trunks_credentials;
