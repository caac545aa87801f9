"""The views through which Asterisk knows phones and writes where they are."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import asyncpg
import pytest

from stasis_app.store.migrate import migrate
from tests.migrations.conftest import db, dsn, empty_dsn, migrated, server

__all__ = ["db", "dsn", "empty_dsn", "migrated", "server"]

Connection = asyncpg.Connection
CONTACT_ID = "1001^3B@0123456789abcdef"
STORE = """
    INSERT INTO ps_contacts (id, via_addr, qualify_timeout, qualify_2xx_only, call_id, reg_server,
        prune_on_boot, path, endpoint, via_port, authenticate_qualify, uri, qualify_frequency,
        user_agent, expiration_time, outbound_proxy)
    VALUES ($1, '192.0.2.1', '3.000000', 'false', 'call-1', 'pbx-x', 'no', '', $2, 5060, 'no', $3,
        60, 'phone^3B 1.0', $4, '')"""


@pytest.fixture
async def asterisk(db: Connection, dsn: str) -> AsyncIterator[Connection]:
    """A connection as Asterisk has it. The phone 1001 exists."""
    await db.execute("ALTER ROLE asterisk LOGIN")
    await db.execute("INSERT INTO extensions (number, sip_password) VALUES ('1001', 'secret')")
    connection = await asyncpg.connect(dsn, user="asterisk")
    yield connection
    await connection.close()


async def store(
    asterisk: Connection, uri: str, contact_id: str = CONTACT_ID, endpoint: str = "1001"
) -> str:
    """What Asterisk does at a REGISTER; returns the command tag."""
    expires = int(datetime.now(UTC).timestamp()) + 300
    return str(await asterisk.execute(STORE, contact_id, endpoint, uri, expires))


def as_read_by_asterisk(value: str) -> list[str]:
    """Asterisk's realtime driver: split at ';', strip, decode ^XX."""
    parts = (part.strip() for part in value.split(";"))
    return [re.sub(r"\^([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), part) for part in parts]


async def test_a_row_in_extensions_is_a_phone(asterisk: Connection) -> None:
    for view in ("ps_endpoints", "ps_auths", "ps_aors"):
        assert [row["id"] for row in await asterisk.fetch(f"SELECT id FROM {view}")] == ["1001"]


@pytest.mark.parametrize(
    "change",
    [
        "status = 'inactive'",
        "deleted_at = NOW()",
        "extension_type = 'virtual'",
        "sip_password = ''",
        "number = '10;01'",
        "number = '-1001'",
    ],
)
async def test_a_row_that_is_no_phone_is_not_seen(
    db: Connection, asterisk: Connection, change: str
) -> None:
    await store(asterisk, "sip:1001@192.0.2.1:5060")
    await db.execute(f"UPDATE extensions SET {change}")
    for view in ("ps_endpoints", "ps_auths", "ps_aors", "ps_contacts"):
        assert await asterisk.fetch(f"SELECT * FROM {view}") == []


@pytest.mark.parametrize(
    ("preferences", "allow"),
    [
        (["opus", "g722", "pcmu", "pcma"], "opus,g722,ulaw,alaw"),
        (["pcma", "opus"], "alaw,opus"),
        ([" PCMA", "nonsense", None, "alaw", "pcmu"], "alaw,ulaw"),
        (["vp8", "nonsense"], "opus,g722,ulaw,alaw"),
        ([], "opus,g722,ulaw,alaw"),
        (None, "opus,g722,ulaw,alaw"),
    ],
)
async def test_codecs_in_the_order_of_the_row(
    db: Connection, asterisk: Connection, preferences: list[str | None] | None, allow: str
) -> None:
    await db.execute("UPDATE extensions SET codec_preferences = $1", preferences)
    assert await asterisk.fetchval("SELECT allow FROM ps_endpoints") == f"!all,{allow}"


@pytest.mark.parametrize(
    ("display_name", "callerid"),
    [
        ("Zoë Müller; Vertrieb", '"Zoë Müller; Vertrieb" <1001>'),
        (None, '"" <1001>'),
        ("  ", '"" <1001>'),
        ('a" <sip:911>\\', '"a sip:911" <1001>'),
        ("a\r\nTo: b\x07\u202e\u2028", '"aTo: b" <1001>'),
        ("^0D^0A", '"^0D^0A" <1001>'),
    ],
)
async def test_a_display_name_cannot_forge_a_caller(
    db: Connection, asterisk: Connection, display_name: str | None, callerid: str
) -> None:
    await db.execute("UPDATE extensions SET display_name = $1", display_name)
    seen = await asterisk.fetchval("SELECT callerid FROM ps_endpoints")
    assert as_read_by_asterisk(seen) == [callerid]


@pytest.mark.parametrize("password", ["p;w", "^41", " x ", 'a"b\\c', "pässwort"])
async def test_a_password_arrives_unchanged(
    db: Connection, asterisk: Connection, password: str
) -> None:
    await db.execute("UPDATE extensions SET sip_password = $1", password)
    seen = await asterisk.fetchval("SELECT password FROM ps_auths")
    assert as_read_by_asterisk(seen) == [password]


@pytest.mark.parametrize(
    ("enabled", "told", "asked"),
    [(True, "1001@pbx", "1001@subscribed"), (False, None, None), (None, None, None)],
)
async def test_a_phone_is_told_of_its_messages(
    db: Connection, asterisk: Connection, enabled: bool | None, told: str | None, asked: str | None
) -> None:
    await db.execute("UPDATE extensions SET voicemail_enabled = $1", enabled)
    [row] = await asterisk.fetch("""
        SELECT p.mailboxes, a.mailboxes, mwi_subscribe_replaces_unsolicited, aggregate_mwi,
            p.voicemail_extension, a.voicemail_extension
        FROM ps_endpoints p JOIN ps_aors a USING (id)""")
    assert tuple(row) == (told, asked, "no", "no", "*97", "*97")


async def test_a_reminder_changes_no_registration(db: Connection, asterisk: Connection) -> None:
    """Door.remind_phones: Asterisk writes the contact as it knows it, be it an old one."""
    await store(asterisk, "sip:1001@192.0.2.1:5060")
    rows = "SELECT * FROM extension_registrations"
    before = await db.fetch(rows)
    remind = """
        UPDATE ps_contacts SET authenticate_qualify = $2, uri = 'sip:1001@192.0.2.2:5060'
        WHERE id = $1"""
    assert await asterisk.execute(remind, CONTACT_ID, "yes") == "UPDATE 1"
    assert await db.fetch(rows) == before
    await asterisk.execute(remind, CONTACT_ID, "no")
    assert await db.fetch(rows) != before


@pytest.mark.parametrize(("kind", "webrtc"), [("sip", "no"), ("webrtc", "yes")])
async def test_only_a_webrtc_extension_speaks_webrtc(
    db: Connection, asterisk: Connection, kind: str, webrtc: str
) -> None:
    await db.execute("UPDATE extensions SET extension_type = $1", kind)
    assert await asterisk.fetchval("SELECT webrtc FROM ps_endpoints") == webrtc


@pytest.mark.parametrize(
    ("uri", "seen"),
    [
        ("sip:1001@192.0.2.7:5062", ("192.0.2.7", 5062, "udp")),
        ("sip:192.0.2.7", ("192.0.2.7", 5060, "udp")),
        ("sip:1001@192.0.2.7:40000^3Btransport=TCP", ("192.0.2.7", 40000, "tcp")),
        ("sip:1001@192.0.2.7:40000^3Btransport=TLS^3Bob", ("192.0.2.7", 40000, "tls")),
        ("sips:1001@192.0.2.7:5061", ("192.0.2.7", 5061, "tls")),
        ("sip:x@192.0.2.7:9^3Btransport=ws^3Bx-ast-orig-host=a.invalid:0", ("192.0.2.7", 9, "wss")),
        ("sip:1001@[2001:db8::7]:5062", ("2001:db8::7", 5062, "udp")),
        ("sip:1001@phone.example.com:5062", (str(IPv4Address(0)), 5060, "udp")),
    ],
)
async def test_a_registration_is_a_readable_row(
    db: Connection, asterisk: Connection, uri: str, seen: tuple[str, int, str]
) -> None:
    assert await store(asterisk, uri) == "INSERT 0 1"
    row = await db.fetchrow("SELECT * FROM extension_registrations JOIN extensions e ON TRUE")
    assert row is not None
    assert row["extension_id"] == await db.fetchval("SELECT id FROM extensions")
    assert row["contact_uri"] == uri.replace("^3B", ";")
    assert row["user_agent"] == "phone; 1.0"
    assert (str(row["ip_address"]), row["port"], row["transport"]) == seen
    assert timedelta(seconds=290) < row["expires_at"] - datetime.now(UTC) <= timedelta(seconds=300)


async def test_asterisk_reads_back_what_it_wrote(asterisk: Connection) -> None:
    uri = "sip:1001@192.0.2.7:40000^3Btransport=TCP"
    await store(asterisk, uri)
    row = await asterisk.fetchrow(r"SELECT * FROM ps_contacts WHERE id LIKE '1001^3B@%' ESCAPE '\'")
    assert row is not None
    assert (row["id"], row["uri"], row["endpoint"]) == (CONTACT_ID, uri, "1001")
    assert (row["via_addr"], row["via_port"], row["call_id"]) == ("192.0.2.1", 5060, "call-1")
    assert (row["reg_server"], row["prune_on_boot"]) == ("pbx-x", "no")
    assert as_read_by_asterisk(row["user_agent"]) == ["phone; 1.0"]


async def test_a_phone_that_registers_again_keeps_its_row(
    db: Connection, asterisk: Connection
) -> None:
    await store(asterisk, "sip:1001@192.0.2.7:5062")
    first = await db.fetchrow("SELECT id, registered_at FROM extension_registrations")
    tag = await asterisk.execute(
        "UPDATE ps_contacts SET uri = 'sip:1001@192.0.2.8:5063', expiration_time = '4000000000',"
        " prune_on_boot = 'yes' WHERE id = $1",
        CONTACT_ID,
    )
    assert tag == "UPDATE 1"
    row = await db.fetchrow("SELECT * FROM extension_registrations")
    assert row is not None
    assert first is not None
    assert (row["id"], row["registered_at"]) == (first["id"], first["registered_at"])
    assert (row["contact_uri"], row["port"]) == ("sip:1001@192.0.2.8:5063", 5063)
    assert row["expires_at"].timestamp() == 4_000_000_000
    assert row["prune_on_boot"] is True


async def test_several_phones_share_an_extension(db: Connection, asterisk: Connection) -> None:
    for n in range(3):
        await store(asterisk, f"sip:1001@192.0.2.{n}:5060", contact_id=f"1001^3B@{n}")
    assert await db.fetchval("SELECT count(*) FROM extension_registrations") == 3
    assert await asterisk.execute("DELETE FROM ps_contacts WHERE id = '1001^3B@1'") == "DELETE 1"
    left = await db.fetch("SELECT contact_id FROM extension_registrations ORDER BY 1")
    assert [row[0] for row in left] == ["1001^3B@0", "1001^3B@2"]


async def test_a_uri_longer_than_the_column_is_kept_whole(
    db: Connection, asterisk: Connection
) -> None:
    uri = f"sip:{'u' * 300}@192.0.2.7:5062"
    await store(asterisk, uri)
    assert await asterisk.fetchval("SELECT uri FROM ps_contacts") == uri
    assert await db.fetchval("SELECT contact_uri FROM extension_registrations") == uri[:255]
    await store(asterisk, "sip:1001@192.0.2.7:5062")
    assert await asterisk.fetchval("SELECT uri FROM ps_contacts") == "sip:1001@192.0.2.7:5062"


async def test_a_contact_of_nobody_is_refused(db: Connection, asterisk: Connection) -> None:
    tag = await store(asterisk, "sip:x@192.0.2.7", contact_id="7^3B@1", endpoint="7")
    assert tag == "INSERT 0 0"
    assert await db.fetchval("SELECT count(*) FROM extension_registrations") == 0


async def test_a_row_written_for_the_seed_alone_is_no_contact(
    db: Connection, asterisk: Connection
) -> None:
    await db.execute(
        "INSERT INTO extension_registrations"
        " (extension_id, contact_uri, ip_address, port, transport, expires_at)"
        " SELECT id, 'sip:1001@192.0.2.1', '192.0.2.1', 5060, 'udp', NOW() FROM extensions"
    )
    assert await asterisk.fetch("SELECT * FROM ps_contacts") == []


@pytest.mark.parametrize(("age", "left"), [(-60, 1), (60, 1), (180, 0)])
async def test_expired_rows_are_asterisks_to_remove_before_they_are_swept(
    db: Connection, asterisk: Connection, age: int, left: int
) -> None:
    await store(asterisk, "sip:1001@192.0.2.1:5060")
    await db.execute(
        "UPDATE extension_registrations SET expires_at = NOW() - $1::INTERVAL",
        timedelta(seconds=age),
    )
    assert await db.fetchval("SELECT sweep_registrations()") == 1 - left
    assert await asterisk.fetchval("SELECT count(*) FROM ps_contacts") == left


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM extensions",
        "SELECT * FROM sip_phones",
        "SELECT * FROM extension_registrations",
        "DELETE FROM extension_registrations",
        "INSERT INTO extensions (number, sip_password) VALUES ('1', 'x')",
        "SELECT * FROM calls",
        "INSERT INTO cdr (call_id) VALUES (gen_random_uuid())",
        "SELECT sweep_registrations()",
        "CREATE TABLE t (id INT)",
        "TRUNCATE extension_registrations",
        "CREATE ROLE other",
        "SET ROLE pbx",
    ],
)
async def test_asterisk_can_do_nothing_else(asterisk: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asterisk.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ps_endpoints",
        "DELETE FROM ps_auths",
        "UPDATE ps_aors SET contact = 'sip:192.0.2.1'",
    ],
)
async def test_what_asterisk_reads_of_rows_cannot_be_written(
    asterisk: Connection, statement: str
) -> None:
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="cannot"):
        await asterisk.execute(statement)


async def test_asterisk_makes_no_temporary_tables(empty_dsn: str) -> None:
    await migrate(empty_dsn)  # the privilege is the database's own: a template does not pass it on
    owner = await asyncpg.connect(empty_dsn)
    await owner.execute("ALTER ROLE asterisk LOGIN")
    await owner.close()
    asterisk = await asyncpg.connect(empty_dsn, user="asterisk")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asterisk.execute("CREATE TEMPORARY TABLE t (id INT)")
    finally:
        await asterisk.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ps_endpoints WHERE id = '1001' LIMIT 1",
        "SELECT * FROM ps_auths WHERE id = '1001' LIMIT 1",
        "SELECT * FROM ps_aors WHERE id = '1001' LIMIT 1",
        r"SELECT * FROM ps_contacts WHERE id LIKE '1001^3B@%' ESCAPE '\'",
        "SELECT * FROM ps_contacts WHERE id = '1001^3B@1' LIMIT 1",
        "SELECT * FROM ps_contacts WHERE expiration_time <= '1795348193'",
        "UPDATE ps_contacts SET via_addr = '192.0.2.1' WHERE id = '1001^3B@1'",
        "DELETE FROM ps_contacts WHERE id = '1001^3B@1'",
    ],
)
async def test_asterisks_statements_find_their_index(db: Connection, statement: str) -> None:
    await db.execute("SET enable_seqscan = off")
    plan = "\n".join(row[0] for row in await db.fetch(f"EXPLAIN {statement}"))
    assert "Index Cond" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("display_name", "name"),
    [
        ("x" * 79, "x" * 79),
        ("x" * 100, "x" * 79),
        ("ä" * 100, "ä" * 39),
        ("x" + "ä" * 39, "x" + "ä" * 39),
        ("xx" + "€" * 98, "xx" + "€" * 25),
        ("😀" * 100, "😀" * 19),
        (" " + "x" * 99, "x" * 79),
        ("", ""),
    ],
)
async def test_a_name_is_cut_where_a_character_ends(
    db: Connection, display_name: str, name: str
) -> None:
    assert await db.fetchval("SELECT asterisk_name($1)", display_name) == name
