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
            max_concurrent_outbound_calls
        FROM extensions""",
    "users": "SELECT id, role, status, deleted_at, time_profile_id FROM users",
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
            fallback_destination_type, fallback_destination_id, fallback_destination_number
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
        SELECT id, name, extension_number, status <> 'inactive' AND deleted_at IS NULL AS active
        FROM queues""",
    "ivr_menus": "SELECT id, name, TRUE AS active FROM ivr_menus",
    "voicemail_boxes": """
        SELECT voicemail_boxes.id, extensions.number AS name, TRUE AS active
        FROM voicemail_boxes JOIN extensions ON extensions.id = extension_id""",
    "conferences": """
        SELECT id, name, extension_number, status <> 'ended' AS active FROM conferences""",
}

SETTINGS_TABLE = "system_settings"
REGISTRATIONS = "extension_registrations"

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
