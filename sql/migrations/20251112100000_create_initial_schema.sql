-- The seed schema, table by table under its own names, ordered so that every reference points back.
-- sql/README.md lists each place where it differs from the seed and why.

CREATE TABLE time_profiles (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL UNIQUE,
    timezone VARCHAR(50) DEFAULT 'Europe/Berlin',
    schedule JSONB NOT NULL,
    holidays DATE[],
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE media_files (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    description TEXT,
    file_type VARCHAR(50) NOT NULL CHECK (file_type IN ('prompt', 'moh', 'greeting', 'other')),
    storage_path VARCHAR(500) NOT NULL,
    duration_seconds INT,
    file_size_bytes BIGINT,
    format VARCHAR(20),
    sample_rate INT DEFAULT 8000,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_media_files_file_type ON media_files(file_type);

CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) NOT NULL UNIQUE,
    password_hash VARCHAR(255) NOT NULL,
    first_name VARCHAR(100) NOT NULL,
    last_name VARCHAR(100) NOT NULL,
    role VARCHAR(50) NOT NULL CHECK (role IN ('admin', 'supervisor', 'agent', 'user')),
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended')),
    language VARCHAR(10) DEFAULT 'de-DE',
    timezone VARCHAR(50) DEFAULT 'Europe/Berlin',
    time_profile_id UUID REFERENCES time_profiles(id) ON DELETE SET NULL,
    last_login_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    deleted_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_users_email ON users(email) WHERE deleted_at IS NULL;
CREATE INDEX idx_users_role ON users(role) WHERE deleted_at IS NULL;

CREATE TABLE user_sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    refresh_token VARCHAR(255) NOT NULL UNIQUE,
    ip_address INET,
    user_agent TEXT,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_user_sessions_user_id ON user_sessions(user_id);
CREATE INDEX idx_user_sessions_expires_at ON user_sessions(expires_at);

CREATE TABLE user_permissions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    resource VARCHAR(100) NOT NULL,
    action VARCHAR(50) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE(user_id, resource, action)
);

CREATE TABLE extensions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    number VARCHAR(20) NOT NULL UNIQUE,
    user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    extension_type VARCHAR(50) NOT NULL DEFAULT 'sip' CHECK (extension_type IN ('sip', 'webrtc', 'virtual')),
    sip_password VARCHAR(100) NOT NULL,
    display_name VARCHAR(100),
    voicemail_enabled BOOLEAN DEFAULT TRUE,
    voicemail_pin VARCHAR(20),
    voicemail_email_notification BOOLEAN DEFAULT TRUE,
    call_recording_policy VARCHAR(50) DEFAULT 'off' CHECK (call_recording_policy IN ('off', 'on_demand', 'always')),
    can_record_calls BOOLEAN DEFAULT FALSE,
    allow_international BOOLEAN DEFAULT TRUE,
    allow_mobile BOOLEAN DEFAULT TRUE,
    forward_on_busy_enabled BOOLEAN DEFAULT FALSE,
    forward_on_busy_destination VARCHAR(50),
    forward_on_no_answer_enabled BOOLEAN DEFAULT FALSE,
    forward_on_no_answer_destination VARCHAR(50),
    forward_on_no_answer_timeout INT DEFAULT 20,
    forward_unconditional_enabled BOOLEAN DEFAULT FALSE,
    forward_unconditional_destination VARCHAR(50),
    dnd_enabled BOOLEAN DEFAULT FALSE,
    presence_status VARCHAR(50) DEFAULT 'available',
    codec_preferences TEXT[] DEFAULT ARRAY['opus', 'g722', 'pcmu', 'pcma'],
    max_concurrent_calls INT DEFAULT 2,
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    deleted_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_extensions_number ON extensions(number) WHERE deleted_at IS NULL;
CREATE INDEX idx_extensions_user_id ON extensions(user_id);

CREATE TABLE extension_registrations (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    extension_id UUID NOT NULL REFERENCES extensions(id) ON DELETE CASCADE,
    contact_uri VARCHAR(255) NOT NULL,
    user_agent TEXT,
    ip_address INET NOT NULL,
    port INT NOT NULL,
    transport VARCHAR(10) NOT NULL CHECK (transport IN ('udp', 'tcp', 'tls', 'wss')),
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_extension_registrations_extension_id ON extension_registrations(extension_id);
CREATE INDEX idx_extension_registrations_expires_at ON extension_registrations(expires_at);

CREATE TABLE devices (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    extension_id UUID NOT NULL REFERENCES extensions(id) ON DELETE CASCADE,
    mac_address VARCHAR(17) NOT NULL UNIQUE,
    manufacturer VARCHAR(100),
    model VARCHAR(100),
    firmware_version VARCHAR(50),
    provisioning_template VARCHAR(100),
    auto_provisioning_enabled BOOLEAN DEFAULT TRUE,
    blf_keys JSONB,
    last_provisioned_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_devices_extension_id ON devices(extension_id);
CREATE INDEX idx_devices_mac_address ON devices(mac_address);

CREATE TABLE trunks (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL UNIQUE,
    trunk_type VARCHAR(50) NOT NULL CHECK (trunk_type IN ('register', 'ip_auth', 'static')),
    host VARCHAR(255) NOT NULL,
    port INT DEFAULT 5060,
    transport VARCHAR(10) NOT NULL DEFAULT 'udp' CHECK (transport IN ('udp', 'tcp', 'tls')),
    username VARCHAR(100),
    password VARCHAR(255),
    auth_username VARCHAR(100),
    allowed_ips INET[],
    codec_preferences TEXT[] DEFAULT ARRAY['pcmu', 'pcma', 'g722', 'opus'],
    dtmf_mode VARCHAR(50) DEFAULT 'rfc2833' CHECK (dtmf_mode IN ('rfc2833', 'inband', 'info')),
    default_caller_id VARCHAR(50),
    did_ranges JSONB,
    max_concurrent_calls INT DEFAULT 10,
    backup_trunk_id UUID REFERENCES trunks(id) ON DELETE SET NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'testing')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    deleted_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_trunks_name ON trunks(name) WHERE deleted_at IS NULL;

CREATE TABLE inbound_rules (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    did_pattern VARCHAR(50) NOT NULL,
    trunk_id UUID REFERENCES trunks(id) ON DELETE CASCADE,
    priority INT DEFAULT 100,
    time_profile_id UUID REFERENCES time_profiles(id) ON DELETE SET NULL,
    caller_id_pattern VARCHAR(50),
    destination_type VARCHAR(50) NOT NULL CHECK (destination_type IN ('extension', 'queue', 'ivr', 'voicemail', 'conference', 'external')),
    destination_id UUID,
    destination_number VARCHAR(50),
    fallback_destination_type VARCHAR(50),
    fallback_destination_id UUID,
    fallback_destination_number VARCHAR(50),
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_inbound_rules_did_pattern ON inbound_rules(did_pattern);
CREATE INDEX idx_inbound_rules_trunk_id ON inbound_rules(trunk_id);

CREATE TABLE outbound_rules (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    number_pattern VARCHAR(100) NOT NULL,
    priority INT DEFAULT 100,
    strip_digits INT DEFAULT 0,
    prepend VARCHAR(20),
    trunk_id UUID NOT NULL REFERENCES trunks(id) ON DELETE CASCADE,
    caller_id_mode VARCHAR(50) DEFAULT 'extension' CHECK (caller_id_mode IN ('extension', 'trunk', 'custom')),
    custom_caller_id VARCHAR(50),
    allowed_for_roles TEXT[] DEFAULT ARRAY['admin', 'supervisor', 'agent', 'user'],
    max_duration_seconds INT,
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_outbound_rules_number_pattern ON outbound_rules(number_pattern);
CREATE INDEX idx_outbound_rules_trunk_id ON outbound_rules(trunk_id);

CREATE TABLE queues (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL UNIQUE,
    extension_number VARCHAR(20) UNIQUE,
    strategy VARCHAR(50) NOT NULL DEFAULT 'longest_idle' CHECK (strategy IN ('ring_all', 'longest_idle', 'least_talk_time', 'round_robin', 'random')),
    service_level_threshold_seconds INT DEFAULT 20,
    service_level_goal_percent INT DEFAULT 80,
    max_wait_time_seconds INT DEFAULT 300,
    music_on_hold_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    welcome_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    position_announcement_enabled BOOLEAN DEFAULT TRUE,
    position_announcement_interval_seconds INT DEFAULT 30,
    max_queue_size INT DEFAULT 50,
    wrap_up_time_seconds INT DEFAULT 10,
    overflow_action VARCHAR(50) DEFAULT 'voicemail' CHECK (overflow_action IN ('voicemail', 'ivr', 'external', 'hangup')),
    overflow_destination_id UUID,
    overflow_destination_number VARCHAR(50),
    callback_enabled BOOLEAN DEFAULT FALSE,
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'inactive')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    deleted_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_queues_name ON queues(name) WHERE deleted_at IS NULL;

CREATE TABLE queue_members (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    queue_id UUID NOT NULL REFERENCES queues(id) ON DELETE CASCADE,
    extension_id UUID NOT NULL REFERENCES extensions(id) ON DELETE CASCADE,
    priority INT DEFAULT 0,
    skills TEXT[],
    penalty INT DEFAULT 0,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE(queue_id, extension_id)
);

CREATE INDEX idx_queue_members_queue_id ON queue_members(queue_id);
CREATE INDEX idx_queue_members_extension_id ON queue_members(extension_id);

CREATE TABLE agent_states (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    extension_id UUID NOT NULL REFERENCES extensions(id) ON DELETE CASCADE,
    queue_id UUID REFERENCES queues(id) ON DELETE CASCADE,
    status VARCHAR(50) NOT NULL CHECK (status IN ('available', 'busy', 'wrap_up', 'break', 'offline')),
    reason_code VARCHAR(100),
    state_changed_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    last_call_ended_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE NULLS NOT DISTINCT (extension_id, queue_id)
);

CREATE INDEX idx_agent_states_extension_id ON agent_states(extension_id);
CREATE INDEX idx_agent_states_status ON agent_states(status);

CREATE TABLE queue_stats (
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    queue_id UUID NOT NULL REFERENCES queues(id) ON DELETE CASCADE,
    calls_offered INT DEFAULT 0,
    calls_answered INT DEFAULT 0,
    calls_abandoned INT DEFAULT 0,
    avg_wait_time_seconds INT,
    max_wait_time_seconds INT,
    avg_talk_time_seconds INT,
    service_level_percent NUMERIC(5, 2),
    agents_available INT,
    agents_busy INT,
    PRIMARY KEY (time, queue_id)
);

CREATE INDEX idx_queue_stats_queue_id ON queue_stats(queue_id, time DESC);

CREATE TABLE ivr_menus (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL UNIQUE,
    welcome_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    digit_timeout_seconds INT DEFAULT 5,
    max_retries INT DEFAULT 3,
    invalid_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    timeout_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    timeout_destination_type VARCHAR(50),
    timeout_destination_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE ivr_menu_options (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ivr_menu_id UUID NOT NULL REFERENCES ivr_menus(id) ON DELETE CASCADE,
    dtmf_digit VARCHAR(2) NOT NULL,
    action VARCHAR(50) NOT NULL CHECK (action IN ('extension', 'queue', 'ivr', 'voicemail', 'external', 'hangup', 'repeat')),
    destination_id UUID,
    destination_number VARCHAR(50),
    pre_transfer_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE(ivr_menu_id, dtmf_digit)
);

CREATE INDEX idx_ivr_menu_options_ivr_menu_id ON ivr_menu_options(ivr_menu_id);

CREATE TABLE voicemail_boxes (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    extension_id UUID NOT NULL UNIQUE REFERENCES extensions(id) ON DELETE CASCADE,
    pin VARCHAR(20),
    greeting_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    email_notification BOOLEAN DEFAULT TRUE,
    email_address VARCHAR(255),
    attach_audio BOOLEAN DEFAULT TRUE,
    retention_days INT DEFAULT 90,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_voicemail_boxes_extension_id ON voicemail_boxes(extension_id);

CREATE TABLE voicemail_messages (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    voicemail_box_id UUID NOT NULL REFERENCES voicemail_boxes(id) ON DELETE CASCADE,
    caller_number VARCHAR(50) NOT NULL,
    caller_name VARCHAR(100),
    storage_path VARCHAR(500) NOT NULL,
    duration_seconds INT NOT NULL,
    file_size_bytes BIGINT,
    is_read BOOLEAN DEFAULT FALSE,
    is_urgent BOOLEAN DEFAULT FALSE,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    read_at TIMESTAMP WITH TIME ZONE,
    delete_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_voicemail_messages_voicemail_box_id ON voicemail_messages(voicemail_box_id);
CREATE INDEX idx_voicemail_messages_received_at ON voicemail_messages(received_at DESC);

CREATE TABLE recordings (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    call_id UUID NOT NULL,
    recording_type VARCHAR(50) NOT NULL CHECK (recording_type IN ('on_demand', 'automatic', 'compliance')),
    initiated_by_user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    storage_path VARCHAR(500) NOT NULL,
    duration_seconds INT NOT NULL,
    file_size_bytes BIGINT,
    is_encrypted BOOLEAN DEFAULT FALSE,
    encryption_key_id VARCHAR(100),
    allowed_user_ids UUID[],
    allowed_roles TEXT[],
    retention_until DATE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stopped_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_recordings_call_id ON recordings(call_id);
CREATE INDEX idx_recordings_retention_until ON recordings(retention_until);
CREATE INDEX idx_recordings_started_at ON recordings(started_at DESC);

CREATE TABLE calls (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    call_id VARCHAR(255) NOT NULL UNIQUE,
    direction VARCHAR(50) NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
    caller_number VARCHAR(50) NOT NULL,
    caller_name VARCHAR(100),
    callee_number VARCHAR(50) NOT NULL,
    callee_name VARCHAR(100),
    caller_extension_id UUID REFERENCES extensions(id) ON DELETE SET NULL,
    callee_extension_id UUID REFERENCES extensions(id) ON DELETE SET NULL,
    trunk_id UUID REFERENCES trunks(id) ON DELETE SET NULL,
    state VARCHAR(50) NOT NULL DEFAULT 'initiated' CHECK (state IN ('initiated', 'ringing', 'answered', 'held', 'transferred', 'ended')),
    initiated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    ringing_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    hangup_cause VARCHAR(100),
    recording_id UUID REFERENCES recordings(id) ON DELETE SET NULL,
    queue_id UUID REFERENCES queues(id) ON DELETE SET NULL,
    agent_extension_id UUID REFERENCES extensions(id) ON DELETE SET NULL,
    queue_wait_time_seconds INT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_calls_call_id ON calls(call_id);
CREATE INDEX idx_calls_state ON calls(state);
CREATE INDEX idx_calls_caller_extension_id ON calls(caller_extension_id);
CREATE INDEX idx_calls_callee_extension_id ON calls(callee_extension_id);
CREATE INDEX idx_calls_queue_id ON calls(queue_id);

CREATE TABLE cdr (
    id UUID DEFAULT gen_random_uuid(),
    call_id UUID NOT NULL,
    direction VARCHAR(50) NOT NULL,
    caller_number VARCHAR(50) NOT NULL,
    caller_name VARCHAR(100),
    callee_number VARCHAR(50) NOT NULL,
    callee_name VARCHAR(100),
    caller_extension_id UUID,
    callee_extension_id UUID,
    trunk_id UUID,
    initiated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ringing_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_seconds INT,
    billable_seconds INT,
    hangup_cause VARCHAR(100),
    recording_id UUID,
    queue_id UUID,
    agent_extension_id UUID,
    queue_wait_time_seconds INT,
    cost_per_minute NUMERIC(10, 4),
    total_cost NUMERIC(10, 4),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    PRIMARY KEY (id, initiated_at)
) PARTITION BY RANGE (initiated_at);

CREATE TABLE cdr_2025_11 PARTITION OF cdr
    FOR VALUES FROM ('2025-11-01 00:00:00+00') TO ('2025-12-01 00:00:00+00');
CREATE INDEX idx_cdr_call_id ON cdr(call_id);
CREATE INDEX idx_cdr_initiated_at ON cdr(initiated_at);
CREATE INDEX idx_cdr_caller_number ON cdr(caller_number);
CREATE INDEX idx_cdr_callee_number ON cdr(callee_number);
CREATE INDEX idx_cdr_trunk_id ON cdr(trunk_id);

CREATE TABLE conferences (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    extension_number VARCHAR(20) UNIQUE,
    conference_type VARCHAR(50) NOT NULL DEFAULT 'audio' CHECK (conference_type IN ('audio', 'webrtc')),
    pin VARCHAR(20),
    moderator_pin VARCHAR(20),
    owner_user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    wait_for_moderator BOOLEAN DEFAULT FALSE,
    record_conference BOOLEAN DEFAULT FALSE,
    max_participants INT DEFAULT 25,
    enable_screen_sharing BOOLEAN DEFAULT TRUE,
    enable_chat BOOLEAN DEFAULT TRUE,
    scheduled_start TIMESTAMP WITH TIME ZONE,
    scheduled_end TIMESTAMP WITH TIME ZONE,
    status VARCHAR(50) NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'active', 'ended')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_conferences_extension_number ON conferences(extension_number);
CREATE INDEX idx_conferences_scheduled_start ON conferences(scheduled_start);

CREATE TABLE conference_participants (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    conference_id UUID NOT NULL REFERENCES conferences(id) ON DELETE CASCADE,
    user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    extension_id UUID REFERENCES extensions(id) ON DELETE SET NULL,
    display_name VARCHAR(100),
    is_moderator BOOLEAN DEFAULT FALSE,
    is_muted BOOLEAN DEFAULT FALSE,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    left_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_conference_participants_conference_id ON conference_participants(conference_id);

CREATE TABLE crm_integrations (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    crm_type VARCHAR(50) NOT NULL CHECK (crm_type IN ('salesforce', 'zoho', 'hubspot', 'freshdesk', 'dynamics365', 'custom')),
    base_url VARCHAR(500),
    api_version VARCHAR(20),
    auth_type VARCHAR(50) NOT NULL CHECK (auth_type IN ('oauth2', 'api_key', 'basic')),
    auth_credentials JSONB,
    lookup_endpoint VARCHAR(500),
    create_contact_endpoint VARCHAR(500),
    log_call_endpoint VARCHAR(500),
    field_mappings JSONB,
    screen_pop_enabled BOOLEAN DEFAULT TRUE,
    screen_pop_url_template TEXT,
    webhook_url VARCHAR(500),
    webhook_events TEXT[],
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'error')),
    last_sync_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE crm_contacts_cache (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    crm_integration_id UUID NOT NULL REFERENCES crm_integrations(id) ON DELETE CASCADE,
    external_id VARCHAR(255) NOT NULL,
    phone_numbers TEXT[] NOT NULL,
    email VARCHAR(255),
    name VARCHAR(200),
    custom_fields JSONB,
    last_synced_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE(crm_integration_id, external_id)
);

CREATE INDEX idx_crm_contacts_cache_phone ON crm_contacts_cache USING GIN (phone_numbers);
CREATE INDEX idx_crm_contacts_cache_email ON crm_contacts_cache(email);

CREATE TABLE reports (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    report_type VARCHAR(50) NOT NULL CHECK (report_type IN ('agent_performance', 'queue_kpis', 'trunk_utilization', 'call_volume', 'custom')),
    parameters JSONB,
    generated_by_user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    file_format VARCHAR(20) CHECK (file_format IN ('csv', 'json', 'pdf')),
    storage_path VARCHAR(500),
    file_size_bytes BIGINT,
    generated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_reports_report_type ON reports(report_type);
CREATE INDEX idx_reports_generated_at ON reports(generated_at DESC);

CREATE TABLE scheduled_reports (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    report_type VARCHAR(50) NOT NULL,
    parameters JSONB,
    cron_expression VARCHAR(100) NOT NULL,
    email_recipients TEXT[] NOT NULL,
    next_run_at TIMESTAMP WITH TIME ZONE,
    last_run_at TIMESTAMP WITH TIME ZONE,
    status VARCHAR(50) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE system_settings (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    key VARCHAR(100) NOT NULL UNIQUE,
    value JSONB NOT NULL,
    description TEXT,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE TABLE blacklist (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    entry_type VARCHAR(50) NOT NULL CHECK (entry_type IN ('ip', 'phone_number', 'user_agent')),
    value VARCHAR(255) NOT NULL,
    reason TEXT,
    expires_at TIMESTAMP WITH TIME ZONE,
    added_by_user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    UNIQUE(entry_type, value)
);

CREATE INDEX idx_blacklist_entry_type ON blacklist(entry_type, value);

CREATE TABLE audit_logs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    action VARCHAR(100) NOT NULL,
    resource_type VARCHAR(50),
    resource_id UUID,
    details JSONB,
    ip_address INET,
    user_agent TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

CREATE INDEX idx_audit_logs_user_id ON audit_logs(user_id);
CREATE INDEX idx_audit_logs_action ON audit_logs(action);
CREATE INDEX idx_audit_logs_created_at ON audit_logs(created_at DESC);

CREATE TABLE backups (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    backup_type VARCHAR(50) NOT NULL CHECK (backup_type IN ('full', 'incremental', 'manual')),
    storage_path VARCHAR(500) NOT NULL,
    file_size_bytes BIGINT,
    checksum_sha256 VARCHAR(64),
    status VARCHAR(50) NOT NULL DEFAULT 'in_progress' CHECK (status IN ('in_progress', 'completed', 'failed')),
    error_message TEXT,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    completed_at TIMESTAMP WITH TIME ZONE
);

CREATE INDEX idx_backups_started_at ON backups(started_at DESC);

CREATE VIEW active_calls_view AS
SELECT
    c.id,
    c.call_id,
    c.direction,
    c.caller_number,
    c.caller_name,
    c.callee_number,
    c.callee_name,
    c.state,
    c.initiated_at,
    EXTRACT(EPOCH FROM (NOW() - c.initiated_at))::INT AS duration_seconds,
    t.name AS trunk_name,
    q.name AS queue_name,
    u.first_name || ' ' || u.last_name AS agent_name
FROM calls c
LEFT JOIN trunks t ON c.trunk_id = t.id
LEFT JOIN queues q ON c.queue_id = q.id
LEFT JOIN extensions e ON c.agent_extension_id = e.id
LEFT JOIN users u ON e.user_id = u.id
WHERE c.state IN ('initiated', 'ringing', 'answered', 'held');

CREATE VIEW queue_live_stats AS
SELECT
    q.id AS queue_id,
    q.name AS queue_name,
    COALESCE(c.waiting_calls, 0) AS waiting_calls,
    COALESCE(c.active_calls, 0) AS active_calls,
    COALESCE(a.available_agents, 0) AS available_agents,
    COALESCE(a.busy_agents, 0) AS busy_agents,
    c.avg_wait_time_seconds
FROM queues q
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) FILTER (WHERE state = 'ringing') AS waiting_calls,
        COUNT(*) FILTER (WHERE state = 'answered') AS active_calls,
        AVG(EXTRACT(EPOCH FROM (NOW() - initiated_at)))::INT AS avg_wait_time_seconds
    FROM calls
    WHERE ended_at IS NULL
    GROUP BY queue_id
) c ON c.queue_id = q.id
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) FILTER (WHERE status = 'available') AS available_agents,
        COUNT(*) FILTER (WHERE status = 'busy') AS busy_agents
    FROM agent_states
    GROUP BY queue_id
) a ON a.queue_id = q.id
WHERE q.deleted_at IS NULL;

CREATE INDEX idx_users_email_status ON users(email, status) WHERE deleted_at IS NULL;
CREATE INDEX idx_extension_registrations_active ON extension_registrations(extension_id, expires_at);
CREATE INDEX idx_cdr_date_caller ON cdr(initiated_at DESC, caller_number);
CREATE INDEX idx_cdr_date_callee ON cdr(initiated_at DESC, callee_number);

ALTER TABLE users ADD COLUMN search_vector tsvector
    GENERATED ALWAYS AS (
        to_tsvector('german', coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))
    ) STORED;

CREATE INDEX idx_users_search_vector ON users USING GIN(search_vector);

CREATE OR REPLACE FUNCTION update_updated_at_column()
RETURNS TRIGGER AS $$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END;
$$ language 'plpgsql';

CREATE TRIGGER update_time_profiles_updated_at BEFORE UPDATE ON time_profiles
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_media_files_updated_at BEFORE UPDATE ON media_files
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_extensions_updated_at BEFORE UPDATE ON extensions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_devices_updated_at BEFORE UPDATE ON devices
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_trunks_updated_at BEFORE UPDATE ON trunks
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_inbound_rules_updated_at BEFORE UPDATE ON inbound_rules
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_outbound_rules_updated_at BEFORE UPDATE ON outbound_rules
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_queues_updated_at BEFORE UPDATE ON queues
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_agent_states_updated_at BEFORE UPDATE ON agent_states
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_ivr_menus_updated_at BEFORE UPDATE ON ivr_menus
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_voicemail_boxes_updated_at BEFORE UPDATE ON voicemail_boxes
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_calls_updated_at BEFORE UPDATE ON calls
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_conferences_updated_at BEFORE UPDATE ON conferences
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_crm_integrations_updated_at BEFORE UPDATE ON crm_integrations
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_scheduled_reports_updated_at BEFORE UPDATE ON scheduled_reports
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_system_settings_updated_at BEFORE UPDATE ON system_settings
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE OR REPLACE FUNCTION archive_ended_call()
RETURNS TRIGGER AS $$
DECLARE
    call_end CONSTANT TIMESTAMP WITH TIME ZONE := COALESCE(NEW.ended_at, NOW());
    answered_seconds CONSTANT NUMERIC :=
        GREATEST(COALESCE(EXTRACT(EPOCH FROM (call_end - NEW.answered_at)), 0), 0);
BEGIN
    IF NEW.state = 'ended' THEN
        INSERT INTO cdr (
            call_id, direction, caller_number, caller_name, callee_number, callee_name,
            caller_extension_id, callee_extension_id, trunk_id,
            initiated_at, ringing_at, answered_at, ended_at,
            duration_seconds, billable_seconds, hangup_cause,
            recording_id, queue_id, agent_extension_id, queue_wait_time_seconds
        ) VALUES (
            NEW.id, NEW.direction, NEW.caller_number, NEW.caller_name, NEW.callee_number, NEW.callee_name,
            NEW.caller_extension_id, NEW.callee_extension_id, NEW.trunk_id,
            COALESCE(NEW.initiated_at, NEW.created_at, call_end), NEW.ringing_at, NEW.answered_at, call_end,
            FLOOR(answered_seconds)::INT, CEIL(answered_seconds)::INT, NEW.hangup_cause,
            NEW.recording_id, NEW.queue_id, NEW.agent_extension_id, NEW.queue_wait_time_seconds
        );
        DELETE FROM calls WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER archive_call_to_cdr AFTER INSERT OR UPDATE ON calls
    FOR EACH ROW EXECUTE FUNCTION archive_ended_call();
