-- What `trunk_registrations` says is what Asterisk tells over AMI: no SIP status.

COMMENT ON COLUMN trunk_registrations.trunk_id IS 'trunks.id. No foreign key: the row outlives the trunk until Asterisk has forgotten its objects. 00000000-0000-0000-0000-000000000000: objects that belong to no trunk, those of the black list.';
COMMENT ON COLUMN trunk_registrations.state IS 'trying, registered, refused (the last attempt failed at once: the carrier said no, or cannot be reached at all), no_answer (it failed after half a minute) or stopped (given up until the row changes). NULL: the trunk does not register.';
COMMENT ON COLUMN trunk_registrations.last_answer IS 'accepted, refused or unreachable, or none. Asterisk does not tell the SIP status.';
COMMENT ON COLUMN trunk_registrations.objects IS 'Names of the objects that Asterisk holds, as kind/id, e.g. registration/trunk-….';
COMMENT ON COLUMN trunk_states.last_answer IS 'How the carrier answered the last registration: accepted, refused or unreachable, or none.';
COMMENT ON COLUMN blacklist.value IS 'ip: an address or a network, 192.0.2.0/24. phone_number: a number in any form, or its beginning and *: +49900*. user_agent: a part of the User-Agent header, in upper or lower case; only letters, digits, spaces and ./_:+- are compared.';
