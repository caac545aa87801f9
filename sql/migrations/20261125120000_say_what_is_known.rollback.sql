COMMENT ON COLUMN trunk_registrations.trunk_id IS 'trunks.id. No foreign key: the row outlives the trunk until Asterisk has forgotten its objects.';
COMMENT ON COLUMN trunk_registrations.state IS 'trying, registered, refused (the carrier said no), no_answer or stopped (given up until the row changes). NULL: the trunk does not register.';
COMMENT ON COLUMN trunk_registrations.last_answer IS 'The carrier''s last answer, e.g. 403 Forbidden. NULL: none yet.';
COMMENT ON COLUMN trunk_registrations.objects IS 'Names of the objects that Asterisk holds for the trunk, as kind/id, e.g. registration/trunk-….';
COMMENT ON COLUMN trunk_states.last_answer IS 'The carrier''s last answer to a registration, e.g. 403 Forbidden. NULL: none yet.';
COMMENT ON COLUMN blacklist.value IS 'ip: an address or a network, 192.0.2.0/24. phone_number: a number in any form, or its beginning and *: +49900*. user_agent: a part of the User-Agent header, in upper or lower case.';
