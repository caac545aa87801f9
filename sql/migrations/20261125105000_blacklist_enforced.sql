-- A client that is blacklisted by name does not register: its contact is not stored, and one that it
-- had is removed. An address that is none is refused when it is written, because Asterisk would
-- refuse the whole list.

CREATE FUNCTION refuse_bad_address() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT is_ip_network(NEW.value) THEN
        RAISE EXCEPTION 'blacklist: "%" is no IP address and no network', NEW.value
            USING ERRCODE = 'check_violation', HINT = 'For example 192.0.2.7 or 192.0.2.0/24.',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'value',
                CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION refuse_bad_address() IS
    'Trigger: refuses a blacklist entry of type ip whose value is not an address or a network.';

CREATE TRIGGER refuse_bad_address BEFORE INSERT OR UPDATE OF entry_type, value ON blacklist
    FOR EACH ROW WHEN (NEW.entry_type = 'ip') EXECUTE FUNCTION refuse_bad_address();

COMMENT ON TRIGGER refuse_bad_address ON blacklist IS 'An entry of type ip can be used as one.';

COMMENT ON COLUMN blacklist.value IS 'ip: an address or a network, 192.0.2.0/24. phone_number: a number in any form, or its beginning and *: +49900*. user_agent: a part of the User-Agent header, in upper or lower case.';

CREATE FUNCTION is_blocked_user_agent(user_agent TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM blacklist
        WHERE entry_type = 'user_agent' AND (expires_at IS NULL OR expires_at > now())
            AND btrim(value) <> '' AND strpos(lower(user_agent), lower(btrim(value))) > 0);
END
$$;

COMMENT ON FUNCTION is_blocked_user_agent(TEXT) IS
    'Whether a User-Agent contains a blacklisted one that has not expired, in upper or lower case.';

REVOKE ALL ON FUNCTION is_blocked_user_agent(TEXT) FROM PUBLIC;

CREATE OR REPLACE FUNCTION store_contact() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    contact TEXT := asterisk_decode(NEW.uri);
    host_port TEXT[] := regexp_match(contact,
        '^sips?:(?:[^@]*@)?(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(\d+))?(?:[;?]|$)', 'i');
BEGIN
    IF is_blocked_user_agent(asterisk_decode(NEW.user_agent)) THEN
        DELETE FROM extension_registrations WHERE contact_id = NEW.id;
        RETURN NULL;
    END IF;
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
