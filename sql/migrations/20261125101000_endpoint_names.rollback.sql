CREATE OR REPLACE VIEW sip_phones AS
SELECT id, number::TEXT AS number, extension_type, sip_password, display_name, codec_preferences,
    max_concurrent_calls
FROM extensions
WHERE status = 'active'
    AND deleted_at IS NULL
    AND extension_type IN ('sip', 'webrtc')
    AND btrim(sip_password) <> ''
    AND number ~ '^([0-9]|[0-9A-Za-z][0-9A-Za-z_.+-]+)$';

ALTER TABLE trunks DROP COLUMN endpoint;
ALTER TABLE extensions DROP COLUMN endpoint;
DROP FUNCTION sip_uri(TEXT, INT, TEXT), is_ip_network(TEXT);

CREATE OR REPLACE FUNCTION asterisk_callerid(display_name TEXT, number TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('"%s" <%s>', asterisk_name(display_name), number);

CREATE OR REPLACE FUNCTION asterisk_name(display_name TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT left(clean, fitting)
    FROM btrim(regexp_replace(coalesce(display_name, ''),
            '[\u0001-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"<>\\]',
            '', 'g')) AS clean,
        generate_series(least(length(clean), 79), 0, -1) AS fitting
    WHERE octet_length(left(clean, fitting)) <= 79
    LIMIT 1);

CREATE OR REPLACE FUNCTION asterisk_encode(value TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(value,
    '^', '^5E'), ';', '^3B'), ' ', '^20'), E'\t', '^09'), E'\r', '^0D'), E'\n', '^0A');
