"""What the migrated database tells an admin, and the rows it starts with."""

import asyncpg

from stasis_app.store.migrate import migrate, rollback, sql_folder

from . import seed

BEFORE_OUTSIDE_SETTINGS, OUTSIDE_SETTINGS = "20261125105000", "20261125106000"

WITHOUT_COMMENT = """
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
      AND obj_description(oid, 'pg_class') IS NULL"""
COLUMNS_WITHOUT_COMMENT = """
    SELECT relname || '.' || attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
      AND relname = ANY($1::text[])
      AND attname NOT IN ('id', 'created_at', 'updated_at')
      AND col_description(attrelid, attnum) IS NULL"""
TRIGGERS_WITHOUT_COMMENT = """
    SELECT tgname::text FROM pg_trigger
    WHERE NOT tgisinternal AND tgname NOT LIKE 'announce\\_%' AND tgname NOT LIKE 'update\\_%'
      AND tgname <> ALL ('{archive_call_to_cdr,store_contact,remove_contact}')
      AND obj_description(oid, 'pg_trigger') IS NULL"""
DEMO = (
    *("users", "extensions", "time_profiles", "trunks", "inbound_rules", "outbound_rules"),
    *("voicemail_boxes", "ivr_menus", "ivr_menu_options", "queues", "queue_members"),
    *("agent_states", "agent_slots"),
)
TOLD_OF = """
    SELECT relname::text, attname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relname IN ('trunk_registrations', 'trunk_states', 'config_findings', 'config_problems',
        'sip_trunks', 'media_server', 'held_music', 'musiconhold', 'musiconhold_entry',
        'voicemail_pin_failures', 'voicemail_pin_callers', 'object_removals', 'mailbox_counts',
        'recording_deliveries', 'undelivered', 'mail_outbox', 'mail_dead_letters',
        'agent_slots', 'agent_state_changes', 'agent_time', 'queue_calls', 'queue_log',
        'queue_callbacks')
      AND attnum > 0 AND attname NOT IN ('id', 'created_at')
      AND col_description(attrelid, attnum) IS NULL"""


async def test_every_table_and_view_is_described(db: asyncpg.Connection) -> None:
    assert await db.fetch(WITHOUT_COMMENT) == []


async def test_every_column_of_the_seed_is_described(db: asyncpg.Connection) -> None:
    names = [m[1] for s in seed.statements() if (m := seed.CREATE_RELATION.match(s))]
    assert len(names) == 34
    assert await db.fetch(COLUMNS_WITHOUT_COMMENT, names) == []


async def test_what_is_beyond_the_seed_is_described_too(db: asyncpg.Connection) -> None:
    assert await db.fetch(TOLD_OF) == []
    assert await db.fetch(TRIGGERS_WITHOUT_COMMENT) == []


async def test_settings(db: asyncpg.Connection) -> None:
    rows = await db.fetch("SELECT key, value #>> '{}' AS value, description FROM system_settings")
    assert {row["key"]: row["value"] for row in rows} == {
        "calls.default_ring_seconds": "30",
        "calls.max_hops": "10",
        "calls.max_setting_up": "25",
        "security.max_login_attempts": "5",
        "security.allowed_countries": '["DE", "AT", "CH"]',
        "recordings.default_retention_days": "90",
        "numbers.country": "DE",
        "numbers.emergency": '["112", "110"]',
        "inbound.catch_all": None,
        "inbound.white_list": "[]",
        "outbound.ring_seconds": "120",
        "outbound.warn_seconds": "30",
        "time_profiles.override_roles": '["admin", "supervisor"]',
        "trunks.test_roles": '["admin"]',
        "trunks.silent_seconds": "4",
        "trunks.rest_seconds": "30",
        "toll.extension_calls_per_minute": None,
        "toll.trunk_calls_per_minute": None,
        "toll.extension_calls_at_once": None,
        "media.default_moh": None,
        "media.language": "en",
        "ivr.max_menus": "30",
        "media.record_roles": '["admin", "supervisor"]',
        "voicemail.max_seconds": "180",
        "voicemail.min_seconds": "2",
        "voicemail.silence_seconds": "10",
        "voicemail.max_messages": "100",
        "voicemail.pin_attempts": "5",
        "voicemail.lockout_seconds": "900",
        "voicemail.pin_at_own_phone": "false",
        "voicemail.operator": None,
        "voicemail.callback_from_outside": "false",
        "voicemail.delete_unread": "false",
        "voicemail.trash_days": "1",
        "mail.from": "pbx-x@localhost",
        "mail.audio_format": "wav",
        "mail.max_attachment_bytes": "10000000",
        "queues.timezone": "Europe/Berlin",
        "queues.delay_no_answer_seconds": "5",
        "queues.delay_reject_seconds": "10",
        "queues.delay_busy_seconds": "10",
        "queues.delay_unreachable_seconds": "10",
        "queues.reject_memory_seconds": "60",
        "queues.break_reasons": "{}",
        "queues.callback_retry_seconds": "60",
        "queues.callback_ring_seconds": "45",
        "queues.callback_abroad": "false",
        "queues.longest_wrap_up_seconds": "3600",
    }
    assert all(row["description"] for row in rows)


async def test_a_setting_that_is_there_stays(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    db = await asyncpg.connect(empty_dsn)
    try:
        await db.execute(
            """UPDATE system_settings SET value = '"CH"' WHERE key = 'numbers.country'"""
        )
        await rollback(empty_dsn, BEFORE_OUTSIDE_SETTINGS)
        assert OUTSIDE_SETTINGS in await migrate(empty_dsn)
        country = "SELECT value FROM system_settings WHERE key = 'numbers.country'"
        assert await db.fetchval(country) == '"CH"'
    finally:
        await db.close()


async def test_updated_at_follows_each_change(db: asyncpg.Connection) -> None:
    await db.execute("INSERT INTO queues (name, updated_at) VALUES ('q', '2001-01-01')")
    await db.execute("UPDATE queues SET max_queue_size = 1")
    assert await db.fetchval("SELECT updated_at > '2001-01-02' FROM queues")


async def test_queue_figures_do_not_multiply(db: asyncpg.Connection) -> None:
    await db.execute("""
        INSERT INTO queues (name) VALUES ('busy'), ('empty');
        INSERT INTO extensions (number, sip_password) VALUES ('1', 'x'), ('2', 'x'), ('3', 'x');
        INSERT INTO agent_states (extension_id, queue_id, status)
            SELECT e.id, q.id, 'available' FROM extensions e, queues q WHERE q.name = 'busy';
        UPDATE agent_slots SET engaged = TRUE
            FROM extensions e WHERE e.id = extension_id AND number = '3';
        INSERT INTO queue_calls (id, call_id, queue_id, joined_at, entered_at, answered_at, left_at)
            SELECT gen_random_uuid(), gen_random_uuid(), id, now(), now(), at, at
            FROM unnest(ARRAY[NULL, NULL, now()]) AS at, queues WHERE name = 'busy'""")
    rows = await db.fetch("SELECT * FROM queue_live_stats ORDER BY queue_name")
    assert [tuple(row)[1:] for row in rows] == [
        ("busy", 2, 1, 2, 1, 0),
        ("empty", 0, 0, 0, 0, None),
    ]


async def test_demo_company_may_be_loaded_again(db: asyncpg.Connection) -> None:
    company = (sql_folder() / "demo" / "company.sql").read_text(encoding="utf-8")
    await db.execute(company)
    await db.execute("""
        UPDATE extensions SET display_name = 'Renamed' WHERE number = '1002';
        UPDATE inbound_rules SET did_pattern = '+4930200000X', trunk_id = NULL""")
    before = [await db.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in DEMO]
    await db.execute(company)
    assert [await db.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in DEMO] == before
    rows = await db.fetch("""
        SELECT number, extension_type, role, e.display_name
        FROM extensions e JOIN users u ON u.id = e.user_id ORDER BY number""")
    assert [tuple(row) for row in rows] == [
        ("1001", "sip", "admin", "Anna"),
        ("1002", "sip", "supervisor", "Renamed"),
        ("1003", "sip", "agent", "Carla"),
        ("1004", "webrtc", "user", "Dora"),
    ]


async def test_demo_company_shows_outside_lines(db: asyncpg.Connection) -> None:
    await db.execute((sql_folder() / "demo" / "company.sql").read_text(encoding="utf-8"))
    row = await db.fetchrow("""
        SELECT t.status, t.endpoint IS NOT NULL, i.did_pattern, i.destination_type,
            o.number_pattern,
            p.override_code, jsonb_path_query_array(p.schedule, '$.*[*].start') AS starts
        FROM inbound_rules i JOIN trunks t ON t.id = i.trunk_id
            JOIN outbound_rules o ON o.trunk_id = t.id
            JOIN time_profiles p ON p.id = time_profile_id
            JOIN extensions e ON e.id = destination_id""")
    assert row is not None
    assert tuple(row) == (
        *("active", True, "+4930100000X", "extension", "^0[1-9]", "1"),
        str(["08:00"] * 5).replace("'", '"'),
    )


async def test_demo_company_shows_a_menu_and_mailboxes(db: asyncpg.Connection) -> None:
    await db.execute((sql_folder() / "demo" / "company.sql").read_text(encoding="utf-8"))
    rows = await db.fetch("""
        SELECT dtmf_digit, action, coalesce(by_id.number, by_box.number, queues.extension_number)
        FROM inbound_rules AS rule JOIN ivr_menus ON ivr_menus.id = rule.destination_id
        JOIN ivr_menu_options AS key ON key.ivr_menu_id = ivr_menus.id
        LEFT JOIN extensions AS by_id ON by_id.id = key.destination_id
        LEFT JOIN voicemail_boxes AS box ON box.id = key.destination_id
        LEFT JOIN extensions AS by_box ON by_box.id = box.extension_id
        LEFT JOIN queues ON queues.id = key.destination_id
        WHERE did_pattern = '+49301000009' ORDER BY dtmf_digit""")
    assert [tuple(row) for row in rows] == [
        ("1", "extension", "1001"),
        ("2", "extension", "1002"),
        ("3", "voicemail", "1003"),
        ("4", "queue", "3000"),
        ("9", "repeat", None),
    ]
    assert await db.fetchval("SELECT extension_number FROM ivr_menus") == "2000"
    pins = await db.fetch("SELECT voicemail_pin FROM extensions ORDER BY number")
    assert [row[0] for row in pins] == ["4701", "4702", "4703", "4704"]
    assert await db.fetchval("SELECT count(*) FROM mailbox_counts") == 4
