DROP FUNCTION sweep_registrations();
DROP VIEW ps_contacts;
DROP FUNCTION remove_contact(), store_contact(), contact_transport(TEXT);
DROP INDEX idx_extension_registrations_expires_epoch, idx_extension_registrations_contact_id;
ALTER TABLE extension_registrations
    DROP COLUMN prune_on_boot,
    DROP COLUMN reg_server,
    DROP COLUMN via_port,
    DROP COLUMN via_addr,
    DROP COLUMN call_id,
    DROP COLUMN path,
    DROP COLUMN long_contact_uri,
    DROP COLUMN contact_id;
DROP VIEW ps_aors, ps_auths, ps_endpoints, sip_phones;
DROP FUNCTION asterisk_callerid(TEXT, TEXT), asterisk_name(TEXT), asterisk_codecs(TEXT[]), asterisk_decode(TEXT),
    asterisk_encode(TEXT);
REVOKE USAGE ON SCHEMA public FROM asterisk;

DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
    DROP ROLE asterisk;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL;  -- another database of the cluster uses it
END
$$;
