"""How the tables of the configuration are read: only the columns that calls need, no secrets.

Each statement takes the ids to read, or NULL for all of them.
"""

READ: dict[str, str] = {
    "extensions": """
        SELECT id, number, extension_type, status, deleted_at, display_name, dnd_enabled,
            max_concurrent_calls, forward_unconditional_enabled, forward_unconditional_destination,
            forward_on_busy_enabled, forward_on_busy_destination, forward_on_no_answer_enabled,
            forward_on_no_answer_destination, forward_on_no_answer_timeout, user_id,
            allow_international, allow_mobile, outbound_caller_id, outbound_calls_per_minute,
            max_concurrent_outbound_calls, voicemail_enabled
        FROM extensions""",
    "users": """
        SELECT id, role, status, deleted_at, time_profile_id, language, timezone, email
        FROM users""",
    "trunks": """
        SELECT id, name, trunk_type, status, deleted_at, host,
            sip_uri(host, port, transport) AS uri, username,
            CASE WHEN btrim(password) <> '' THEN
                md5(id::text || coalesce(nullif(auth_username, ''), username) || password)
            END AS credentials, allowed_ips, default_caller_id,
            did_ranges, max_concurrent_calls, backup_trunk_id, forwarded_caller_id, test_code,
            outbound_calls_per_minute
        FROM trunks""",
    "inbound_rules": """
        SELECT id, name, status, did_pattern, trunk_id, priority, time_profile_id,
            caller_id_pattern, destination_type, destination_id, destination_number,
            fallback_destination_type, fallback_destination_id, fallback_destination_number,
            language, queue_priority, queue_skills
        FROM inbound_rules""",
    "outbound_rules": """
        SELECT id, name, status, number_pattern, priority, strip_digits, prepend, trunk_id,
            caller_id_mode, custom_caller_id, allowed_for_roles, max_duration_seconds
        FROM outbound_rules""",
    "time_profiles": """
        SELECT id, name, timezone, schedule, holidays, override, override_code
        FROM time_profiles""",
    "blacklist": "SELECT id, entry_type, value, expires_at FROM blacklist",
    "queues": """
        SELECT queues.id, queues.name, extension_number, strategy, status,
            deleted_at IS NOT NULL AS deleted, service_level_threshold_seconds,
            max_wait_time_seconds, coalesce(music.id::text,
                CASE WHEN EXISTS (SELECT FROM held_music) THEN 'held' ELSE 'default' END) AS music,
            welcome_prompt_id, position_announcement_enabled,
            position_announcement_interval_seconds, max_queue_size, wrap_up_time_seconds,
            overflow_action, overflow_destination_id, overflow_destination_number,
            callback_enabled, priority, weight, ring_seconds, wait_announcement_enabled,
            when_empty, exit_key, exit_destination_type, exit_destination_id,
            exit_destination_number, skill_relax_seconds, redial_window_seconds,
            break_after_misses, agent_prompt_id, callback_key, callback_tries
        FROM queues
        LEFT JOIN media_files AS music ON music.id = music_on_hold_id
            AND music.file_type = 'moh'""",
    "queue_members": """
        SELECT id, queue_id, extension_id, priority, penalty, skills FROM queue_members""",
    "agent_states": """
        SELECT id, extension_id, queue_id, wanted, wanted_reason, wanted_at FROM agent_states""",
    "conferences": """
        SELECT id, name, extension_number, status <> 'ended' AS active FROM conferences""",
    "ivr_menus": """
        SELECT id, name, extension_number, welcome_prompt_id, digit_timeout_seconds,
            inter_digit_seconds, max_retries, invalid_prompt_id, timeout_prompt_id,
            timeout_destination_type, timeout_destination_id, timeout_destination_number,
            invalid_destination_type, invalid_destination_id, invalid_destination_number,
            direct_dial, language
        FROM ivr_menus""",
    "ivr_menu_options": """
        SELECT id, ivr_menu_id, dtmf_digit, action, destination_id, destination_number,
            pre_transfer_prompt_id, queue_priority, queue_skills
        FROM ivr_menu_options""",
    "voicemail_boxes": """
        SELECT voicemail_boxes.id, extension_id, number,
            voicemail_enabled IS TRUE AND deleted_at IS NULL AS active,
            greeting_prompt_id, busy_greeting_prompt_id, temporary_greeting_prompt_id,
            name_prompt_id, operator_number, max_messages,
            email_notification IS TRUE AND voicemail_email_notification IS TRUE AS mails,
            nullif(btrim(email_address), '') AS email_address,
            CASE
                WHEN digits IS NULL THEN 'missing'
                WHEN digits !~ '^[0-9]{4,20}$' THEN 'not_4_to_20_digits'
                WHEN digits = number THEN 'is_the_number'
                WHEN digits ~ '^(.)\\1*$' THEN 'all_alike'
            END AS pin_flaw
        FROM voicemail_boxes
        JOIN extensions ON extensions.id = extension_id
        CROSS JOIN LATERAL
            coalesce(nullif(btrim(pin), ''), nullif(btrim(voicemail_pin), '')) AS digits""",
    "mailbox_counts": "SELECT id, number, unread, read FROM mailbox_counts",
    "media_files": "SELECT id, name, file_type, record_code FROM media_files",
}

SETTINGS_TABLE = "system_settings"
REGISTRATIONS = "extension_registrations"
SLOTS = "agent_slots"

MUSIC = frozenset(("media_files", SETTINGS_TABLE))
"""Tables that decide, besides its own, what music a queue has."""

SETTINGS = "SELECT key, value FROM system_settings"

CONTACTS = """
SELECT extension_id, coalesce(long_contact_uri, contact_uri) AS contact_uri, expires_at
FROM extension_registrations
WHERE expires_at > now() AND ($1::uuid[] IS NULL OR extension_id = ANY($1))
ORDER BY registered_at
"""


def read(table: str) -> str:
    """Return the statement that reads a table, in an order that stays the same."""
    key = f"{table}.id"
    return f"{READ[table]} WHERE $1::uuid[] IS NULL OR {key} = ANY($1) ORDER BY {key}"
