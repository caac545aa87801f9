-- What outside lines need of a row beyond the seed, and no circle of backup trunks.

ALTER TABLE trunks
    ADD COLUMN forwarded_caller_id VARCHAR(50) NOT NULL DEFAULT 'own'
        CHECK (forwarded_caller_id IN ('own', 'original')),
    ADD COLUMN test_code VARCHAR(10) UNIQUE CHECK (test_code ~ '^[0-9]+$'),
    ADD COLUMN media_encryption VARCHAR(50) NOT NULL DEFAULT 'none'
        CHECK (media_encryption IN ('none', 'sdes')),
    ADD COLUMN outbound_calls_per_minute INT CHECK (outbound_calls_per_minute >= 0);

COMMENT ON COLUMN trunks.forwarded_caller_id IS 'Whose number a forwarded call shows: own (that of the extension or rule that forwards, with a Diversion header) or original (the first caller''s).';
COMMENT ON COLUMN trunks.test_code IS 'Digits of the code *89<test_code>*<number>, which calls a number over this trunk even while its status is testing. Unique. NULL: no code.';
COMMENT ON COLUMN trunks.media_encryption IS 'none (RTP) or sdes (SRTP with keys in the SDP; use transport tls with it).';
COMMENT ON COLUMN trunks.outbound_calls_per_minute IS 'New calls the trunk may be given in a minute, 0: none. NULL: the setting toll.trunk_calls_per_minute.';

ALTER TABLE extensions
    ADD COLUMN outbound_caller_id VARCHAR(50) CHECK (outbound_caller_id ~ '^[+]?[0-9]+$'),
    ADD COLUMN outbound_calls_per_minute INT CHECK (outbound_calls_per_minute >= 0),
    ADD COLUMN max_concurrent_outbound_calls INT CHECK (max_concurrent_outbound_calls >= 0);

COMMENT ON COLUMN extensions.outbound_caller_id IS 'Number shown to people outside, e.g. +4930100000. NULL: the extension''s own number.';
COMMENT ON COLUMN extensions.outbound_calls_per_minute IS 'New calls to the outside that the extension may cause in a minute, forwards included, 0: none. NULL: the setting toll.extension_calls_per_minute.';
COMMENT ON COLUMN extensions.max_concurrent_outbound_calls IS 'Calls to the outside that the extension may cause at once, forwards included, 0: none. NULL: the setting toll.extension_calls_at_once.';

ALTER TABLE time_profiles
    ADD COLUMN override VARCHAR(50) NOT NULL DEFAULT 'automatic'
        CHECK (override IN ('automatic', 'open', 'closed')),
    ADD COLUMN override_code VARCHAR(10) UNIQUE CHECK (override_code ~ '^[0-9]+$');

COMMENT ON COLUMN time_profiles.override IS 'automatic (schedule and holidays decide), open or closed (by hand, until it is changed).';
COMMENT ON COLUMN time_profiles.override_code IS 'Digits of the code *28<override_code>, which opens or closes by hand. Unique. NULL: no code.';

COMMENT ON TABLE inbound_rules IS 'Where calls from outside go, by the number that was called. Of the rules that match, the exact number wins before a pattern, then the longer beginning without wildcards, then the lower priority value.';
COMMENT ON COLUMN inbound_rules.did_pattern IS 'Called number, in international or national form. X stands for 0-9, Z for 1-9, N for 2-9, a trailing . for one digit or more: +49301000000, +4930100000X, 030200.';
COMMENT ON COLUMN inbound_rules.priority IS 'The lower the value, the earlier the rule is tried; only between rules whose did_pattern is equally specific.';
COMMENT ON COLUMN trunks.status IS 'active, inactive (takes and makes no calls) or testing (rules pass it over; calls go out by test_code).';
COMMENT ON COLUMN trunks.allowed_ips IS 'Addresses or networks the carrier calls from. NULL: the addresses of host.';
COMMENT ON COLUMN trunks.port IS 'Its SIP port. NULL: 5060, with tls 5061.';

-- Two transactions may each add half a circle and neither sees the other's half: they take turns.
-- The rows of the chain are locked too, so that a snapshot older than the other's commit fails.
CREATE FUNCTION lock_backup_trunks() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('trunks.backup_trunk_id', 0));
    RETURN NULL;
END
$$;

CREATE FUNCTION refuse_backup_circle() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    chain UUID[] := ARRAY[NEW.id];
    names TEXT := NEW.name;
    backup UUID := NEW.backup_trunk_id;
    backup_name TEXT;
    next_backup UUID;
BEGIN
    WHILE backup IS NOT NULL LOOP
        SELECT name, backup_trunk_id INTO backup_name, next_backup
        FROM trunks WHERE id = backup FOR SHARE;
        names := names || ' -> ' || coalesce(backup_name, backup::TEXT);
        IF backup = ANY (chain) THEN
            RAISE EXCEPTION 'backup trunks go in a circle: %', names
                USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
                    COLUMN = 'backup_trunk_id', CONSTRAINT = TG_NAME;
        END IF;
        chain := chain || backup;
        backup := next_backup;
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION lock_backup_trunks() IS
    'Trigger: one transaction after the other changes which trunk is whose backup.';
COMMENT ON FUNCTION refuse_backup_circle() IS
    'Trigger: refuses a row with which backup_trunk_id would lead back to where it came from.';

-- After the statement, so that one statement may turn a chain around.
CREATE TRIGGER refuse_backup_circle AFTER INSERT OR UPDATE OF id, backup_trunk_id ON trunks
    FOR EACH ROW WHEN (NEW.backup_trunk_id IS NOT NULL) EXECUTE FUNCTION refuse_backup_circle();
CREATE TRIGGER lock_backup_trunks BEFORE UPDATE OF id, backup_trunk_id ON trunks
    FOR EACH STATEMENT EXECUTE FUNCTION lock_backup_trunks();

COMMENT ON TRIGGER refuse_backup_circle ON trunks IS 'No trunk is its own backup, however far around.';
COMMENT ON TRIGGER lock_backup_trunks ON trunks IS 'Makes refuse_backup_circle sure of what it sees.';
