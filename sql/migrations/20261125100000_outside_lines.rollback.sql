DROP TRIGGER lock_backup_trunks ON trunks;
DROP TRIGGER refuse_backup_circle ON trunks;
DROP FUNCTION refuse_backup_circle(), lock_backup_trunks();

COMMENT ON COLUMN trunks.port IS 'Its SIP port.';
COMMENT ON COLUMN trunks.allowed_ips IS 'Addresses or networks the carrier calls from, for ip_auth. NULL: none listed.';
COMMENT ON COLUMN trunks.status IS 'active, inactive (takes and makes no calls) or testing.';
COMMENT ON COLUMN inbound_rules.priority IS 'The lower the number, the earlier the rule is tried.';
COMMENT ON COLUMN inbound_rules.did_pattern IS 'Called number in international form; X stands for any digit: +49301000000, +4930100000X.';
COMMENT ON TABLE inbound_rules IS 'Where calls from outside go, by the number that was called. The matching rule with the lowest priority value wins.';

ALTER TABLE time_profiles
    DROP COLUMN override_code,
    DROP COLUMN override;
ALTER TABLE extensions
    DROP COLUMN max_concurrent_outbound_calls,
    DROP COLUMN outbound_calls_per_minute,
    DROP COLUMN outbound_caller_id;
ALTER TABLE trunks
    DROP COLUMN outbound_calls_per_minute,
    DROP COLUMN media_encryption,
    DROP COLUMN test_code,
    DROP COLUMN forwarded_caller_id;
