CREATE OR REPLACE FUNCTION store_contact() RETURNS TRIGGER
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

DROP FUNCTION is_blocked_user_agent(TEXT);
COMMENT ON COLUMN blacklist.value IS 'The address, number or name of the client.';
DROP TRIGGER refuse_bad_address ON blacklist;
DROP FUNCTION refuse_bad_address();
