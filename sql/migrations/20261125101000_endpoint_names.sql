-- Asterisk asks for its objects one at a time, by name, and each time the query is planned anew.
-- So the name is a column, NULL for rows that Asterisk does not know, and what the views call is
-- plpgsql, which keeps its plan. A lookup over phones and trunks then costs what one over phones
-- alone cost before.

CREATE OR REPLACE FUNCTION asterisk_encode(value TEXT) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN replace(replace(replace(replace(replace(replace(value,
        '^', '^5E'), ';', '^3B'), ' ', '^20'), E'\t', '^09'), E'\r', '^0D'), E'\n', '^0A');
END
$$;

CREATE OR REPLACE FUNCTION asterisk_name(display_name TEXT) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    clean TEXT := left(btrim(regexp_replace(coalesce(display_name, ''),
        '[\u0001-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"<>\\]',
        '', 'g')), 79);
BEGIN
    WHILE octet_length(clean) > 79 LOOP
        clean := left(clean, -1);
    END LOOP;
    RETURN clean;
END
$$;

CREATE OR REPLACE FUNCTION asterisk_callerid(display_name TEXT, number TEXT) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN format('"%s" <%s>', asterisk_name(display_name), number);
END
$$;

-- In full and without leading zeros: 10.1/16 or 010.1.1.1 are different addresses to Asterisk.
CREATE FUNCTION is_ip_network(value TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN value::INET IS NOT NULL
        AND value ~ ':|^(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)){3}(/[0-9]+)?$';
EXCEPTION WHEN invalid_text_representation THEN
    RETURN FALSE;
END
$$;

COMMENT ON FUNCTION is_ip_network(TEXT) IS
    'Whether a text is an IP address or a network, e.g. 192.0.2.1, 192.0.2.0/24, 2001:db8::/32.';

-- With a search_path of its own: pg_restore has none when it fills trunks.
CREATE FUNCTION sip_uri(host TEXT, port INT, transport TEXT) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp
AS $$
DECLARE
    bare TEXT := btrim(host, ' []');
    of_port INT := coalesce(port, CASE transport WHEN 'tls' THEN 5061 ELSE 5060 END);
BEGIN
    IF bare ~ '^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$' AND is_ip_network(bare) THEN
        bare := '[' || bare || ']';
    ELSIF bare !~ '^[0-9A-Za-z]([0-9A-Za-z_.-]*[0-9A-Za-z])?$' THEN
        RETURN NULL;
    END IF;
    IF of_port NOT BETWEEN 1 AND 65535 THEN
        RETURN NULL;
    END IF;
    RETURN format('sip:%s:%s', bare, of_port)
        || CASE WHEN transport <> 'udp' THEN ';transport=' || transport ELSE '' END;
END
$$;

COMMENT ON FUNCTION sip_uri(TEXT, INT, TEXT) IS
    'SIP address of a host, e.g. sip:[2001:db8::1]:5061;transport=tls. Port NULL: 5060, with tls '
    '5061. NULL when host or port cannot be part of one. trunks.endpoint is stored with its answer.';

ALTER TABLE extensions ADD COLUMN endpoint TEXT UNIQUE GENERATED ALWAYS AS (
    CASE WHEN status = 'active'
        AND deleted_at IS NULL
        AND extension_type IN ('sip', 'webrtc')
        AND btrim(sip_password) <> ''
        AND number ~ '^([0-9]|[0-9A-Za-z][0-9A-Za-z_.+-]+)$'
    THEN number::TEXT END) STORED;

COMMENT ON COLUMN extensions.endpoint IS 'Generated: the name of its endpoint in Asterisk, which is number. NULL while no phone may register: inactive, deleted, virtual, without a password, or with a number that cannot be part of a SIP address.';

ALTER TABLE trunks ADD COLUMN endpoint TEXT UNIQUE GENERATED ALWAYS AS (
    CASE WHEN status IN ('active', 'testing')
        AND deleted_at IS NULL
        AND sip_uri(host, port, transport) IS NOT NULL
    THEN 'trunk-' || id::TEXT END) STORED;

COMMENT ON COLUMN trunks.endpoint IS 'Generated: the name of its endpoint in Asterisk, trunk-<id>. NULL while Asterisk does not know it: inactive, deleted, or with a host or port that cannot be part of a SIP address.';

CREATE OR REPLACE VIEW sip_phones AS
SELECT id, number::TEXT AS number, extension_type, sip_password, display_name, codec_preferences,
    max_concurrent_calls
FROM extensions
WHERE endpoint IS NOT NULL;
