"""The views through which Asterisk knows trunks."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from .test_pjsip_views import as_read_by_asterisk, asterisk, db, dsn, migrated, server

__all__ = ["asterisk", "db", "dsn", "migrated", "server"]

Connection = asyncpg.Connection
Read = Callable[[str], Awaitable[dict[str, Any]]]
VIEWS = ("ps_endpoints", "ps_auths", "ps_aors")
TRUNK = UUID("00000000-0000-4000-8000-000000000001")
NAME = f"trunk-{TRUNK}"
ENDPOINT = {
    "id": NAME,
    "aors": NAME,
    "context": "from-trunks",
    "allow": "!all,ulaw,alaw,g722,opus",
    "identify_by": "ip",
    "webrtc": "no",
    "direct_media": "no",
    "rtp_symmetric": "yes",
    "force_rport": "yes",
    "rewrite_contact": "no",
    "outgoing_call_offer_pref": "local_merge",
    "dtmf_mode": "auto",
    "trust_id_inbound": "yes",
    "trust_id_outbound": "yes",
    "trust_connected_line": "no",
    "send_connected_line": "no",
    "send_pai": "yes",
    "send_diversion": "yes",
    "allow_overlap": "no",
    "allow_subscribe": "no",
    "moh_suggest": "default",
    "device_state_busy_at": 0,
    "rtp_timeout": 120,
    "rtp_timeout_hold": 1800,
    "sdp_session": "PBX-X",
    "media_encryption": "no",
}
CREDENTIALS = "username = 'user', password = 'secret'"


@pytest.fixture
async def read(db: Connection, asterisk: Connection) -> Read:
    """Reads as Asterisk does what a view has of the trunk, without the columns that are NULL."""
    await db.execute(
        "INSERT INTO trunks (id, name, trunk_type, host)"
        " VALUES ($1, 'carrier', 'static', 'carrier.example.com')",
        TRUNK,
    )

    async def of(view: str) -> dict[str, Any]:
        row = await asterisk.fetchrow(f"SELECT * FROM {view} WHERE id = $1", NAME)
        return {name: value for name, value in (row or {}).items() if value is not None}

    return of


async def change(db: Connection, columns: str, *values: object) -> None:
    assert await db.execute(f"UPDATE trunks SET {columns}", *values) == "UPDATE 1"


@pytest.mark.parametrize(
    ("columns", "differs"),
    [
        ("trunk_type = 'static'", {}),
        ("trunk_type = 'ip_auth', allowed_ips = '{192.0.2.0/24}'", {}),
        (
            f"trunk_type = 'register', {CREDENTIALS}",
            {"from_domain": "carrier.example.com", "outbound_auth": NAME},
        ),
        ("trunk_type = 'register', host = '[2001:db8::1]'", {"from_domain": "2001:db8::1"}),
        (f"trunk_type = 'static', {CREDENTIALS}", {"outbound_auth": NAME}),
        ("media_encryption = 'sdes', transport = 'tls'", {"media_encryption": "sdes"}),
        ("dtmf_mode = 'inband'", {"dtmf_mode": "inband"}),
        ("dtmf_mode = 'info'", {"dtmf_mode": "info"}),
        ("dtmf_mode = NULL", {}),
        ("status = 'testing'", {}),
        ("codec_preferences = '{opus,pcma}'", {"allow": "!all,opus,alaw"}),
        ("codec_preferences = '{nonsense}'", {}),
        ("codec_preferences = NULL", {}),
    ],
)
async def test_a_trunk_is_an_endpoint(
    db: Connection, read: Read, columns: str, differs: dict[str, str]
) -> None:
    await change(db, columns)
    assert await read("ps_endpoints") == ENDPOINT | differs


@pytest.mark.parametrize(
    ("columns", "contact"),
    [
        ("port = 5060", ["sip:carrier.example.com:5060"]),
        ("port = NULL", ["sip:carrier.example.com:5060"]),
        ("port = NULL, transport = 'tls'", ["sip:carrier.example.com:5061;transport=tls"]),
        ("port = 5070, transport = 'tcp'", ["sip:carrier.example.com:5070;transport=tcp"]),
        ("host = '2001:db8::1'", ["sip:[2001:db8::1]:5060"]),
    ],
)
async def test_a_trunk_has_a_fixed_address_and_nobody_registers_as_it(
    db: Connection, read: Read, columns: str, contact: list[str]
) -> None:
    await change(db, columns)
    row = await read("ps_aors")
    assert as_read_by_asterisk(row.pop("contact")) == contact
    assert row == {"id": NAME, "max_contacts": 0, "qualify_frequency": 0}


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (("user", None, "secret"), ("user", "secret")),
        (("user", "", "secret"), ("user", "secret")),
        (("user", "other", "p;w ^41"), ("other", "p;w ^41")),
        ((None, "other; x", "secret"), ("other; x", "secret")),
        ((None, None, "secret"), None),
        (("", "", "secret"), None),
        (("user", None, None), None),
        (("user", "other", ""), None),
        (("user", "other", " "), None),
    ],
)
async def test_the_credentials_that_a_carrier_is_given(
    db: Connection,
    read: Read,
    row: tuple[str | None, str | None, str | None],
    seen: tuple[str, str] | None,
) -> None:
    await change(db, "username = $1, auth_username = $2, password = $3", *row)
    auth = await read("ps_auths")
    given = tuple(as_read_by_asterisk(auth[column]) for column in ("username", "password") if auth)
    assert given == (tuple([text] for text in seen) if seen else ())
    assert auth.get("auth_type") == ("userpass" if seen else None)
    assert (await read("ps_endpoints")).get("outbound_auth") == (NAME if seen else None)
    name = await db.fetchval("SELECT auth_username FROM sip_trunks")
    assert name == (seen[0] if seen else None)


@pytest.mark.parametrize(
    "columns",
    [
        "status = 'inactive'",
        "deleted_at = NOW()",
        "host = ''",
        "host = 'carrier.example.com;transport=tcp'",
        "host = 'carrier:5060'",
        "port = 0",
    ],
)
async def test_a_trunk_that_cannot_be_used_is_not_seen(
    db: Connection, read: Read, columns: str
) -> None:
    """But for its credentials, with which it ends its registration."""
    await change(db, CREDENTIALS)
    assert [bool(await read(view)) for view in VIEWS] == [True, True, True]
    await change(db, columns)
    assert [bool(await read(view)) for view in VIEWS] == [False, True, False]
    assert await db.fetch("SELECT * FROM sip_trunks") == []
    assert await db.fetchval("SELECT endpoint FROM trunks") is None


@pytest.mark.usefixtures("read")
async def test_phones_keep_the_defaults_of_what_trunks_need(asterisk: Connection) -> None:
    row = await asterisk.fetchrow("""
        SELECT outbound_auth, from_domain, media_encryption, trust_id_outbound, send_diversion,
            allow_subscribe, contact
        FROM ps_endpoints JOIN ps_aors USING (id) WHERE id = '1001'""")
    assert row is not None
    assert set(row) == {None}


@pytest.mark.usefixtures("read")
async def test_sip_trunks_tells_what_the_app_needs(db: Connection) -> None:
    await change(db, f"{CREDENTIALS}, host = ' 192.0.2.1 ', port = NULL, transport = 'tls'")
    row = await db.fetchrow("SELECT * FROM sip_trunks")
    assert row is not None
    assert dict(row) == {
        "endpoint": NAME,
        "id": TRUNK,
        "name": "carrier",
        "trunk_type": "static",
        "status": "active",
        "host": "192.0.2.1",
        "port": 5061,
        "transport": "tls",
        "uri": "sip:192.0.2.1:5061;transport=tls",
        "username": "user",
        "auth_username": "user",
        "password": "secret",
        "allowed_ips": None,
        "codec_preferences": ["pcmu", "pcma", "g722", "opus"],
        "dtmf_mode": "rfc2833",
        "media_encryption": "none",
    }


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["1001", NAME])
async def test_a_name_is_looked_up_in_both_indexes(db: Connection, view: str, name: str) -> None:
    await db.execute("SET enable_seqscan = off")
    plan = await db.fetch(f"EXPLAIN SELECT * FROM {view} WHERE id = '{name}' LIMIT 1")
    text = "\n".join(row[0] for row in plan)
    trunks = "idx_trunks_credentials" if view == "ps_auths" else "trunks_endpoint_key"
    for index in ("extensions_endpoint_key", trunks):
        assert f"using {index}" in text
    assert text.count("Index Cond") == 2


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM trunks",
        "SELECT * FROM sip_trunks",
        "SELECT * FROM trunk_states",
        "SELECT * FROM trunk_registrations",
        "SELECT * FROM config_problems",
        "SELECT * FROM blacklist",
        "SELECT is_blocked_user_agent('x')",
    ],
)
async def test_asterisk_sees_no_more_of_trunks(asterisk: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asterisk.execute(statement)
