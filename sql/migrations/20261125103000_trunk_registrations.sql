-- What the app has pushed to Asterisk for a trunk, and what became of its registration.

CREATE TABLE trunk_registrations (
    trunk_id UUID PRIMARY KEY,
    state VARCHAR(50) CHECK (state IN ('trying', 'registered', 'refused', 'no_answer', 'stopped')),
    last_answer TEXT,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    objects TEXT[] NOT NULL DEFAULT '{}'
);

COMMENT ON TABLE trunk_registrations IS 'Where the registrations of trunks at their carriers stand. Written by the app; read it through trunk_states.';
COMMENT ON COLUMN trunk_registrations.trunk_id IS 'trunks.id. No foreign key: the row outlives the trunk until Asterisk has forgotten its objects.';
COMMENT ON COLUMN trunk_registrations.state IS 'trying, registered, refused (the carrier said no), no_answer or stopped (given up until the row changes). NULL: the trunk does not register.';
COMMENT ON COLUMN trunk_registrations.last_answer IS 'The carrier''s last answer, e.g. 403 Forbidden. NULL: none yet.';
COMMENT ON COLUMN trunk_registrations.next_attempt_at IS 'When Asterisk registers next. NULL: not known, or never.';
COMMENT ON COLUMN trunk_registrations.changed_at IS 'When state last changed.';
COMMENT ON COLUMN trunk_registrations.objects IS 'Names of the objects that Asterisk holds for the trunk, as kind/id, e.g. registration/trunk-….';

CREATE VIEW trunk_states AS
SELECT trunk.id AS trunk_id,
    trunk.name,
    trunk.trunk_type,
    trunk.status,
    registration.state AS registration_state,
    registration.last_answer,
    registration.next_attempt_at,
    registration.changed_at,
    (SELECT count(*) FROM calls WHERE calls.trunk_id = trunk.id) AS current_calls,
    trunk.max_concurrent_calls
FROM trunks AS trunk
LEFT JOIN trunk_registrations AS registration
    ON registration.trunk_id = trunk.id AND trunk.trunk_type = 'register'
WHERE trunk.deleted_at IS NULL;

COMMENT ON VIEW trunk_states IS 'How each trunk is doing: SELECT * FROM trunk_states ORDER BY name.';
COMMENT ON COLUMN trunk_states.trunk_id IS 'trunks.id.';
COMMENT ON COLUMN trunk_states.name IS 'trunks.name.';
COMMENT ON COLUMN trunk_states.trunk_type IS 'register, ip_auth or static.';
COMMENT ON COLUMN trunk_states.status IS 'active, inactive or testing.';
COMMENT ON COLUMN trunk_states.registration_state IS 'trying, registered, refused, no_answer or stopped; see trunk_registrations.state. NULL: the trunk does not register.';
COMMENT ON COLUMN trunk_states.last_answer IS 'The carrier''s last answer to a registration, e.g. 403 Forbidden. NULL: none yet.';
COMMENT ON COLUMN trunk_states.next_attempt_at IS 'When Asterisk registers next. NULL: not known, or never.';
COMMENT ON COLUMN trunk_states.changed_at IS 'When registration_state last changed.';
COMMENT ON COLUMN trunk_states.current_calls IS 'Calls whose row names the trunk. A call from outside that goes out again has the trunk it came by; the limit counts it at both.';
COMMENT ON COLUMN trunk_states.max_concurrent_calls IS 'How many it may carry. NULL: no limit.';
