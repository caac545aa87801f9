"""Who is on the black list: clients do not register, and what is no address is refused."""

from datetime import timedelta

import asyncpg
import pytest

from tests.store.test_pjsip_views import CONTACT_ID, asterisk, store

__all__ = ["asterisk"]

Connection = asyncpg.Connection
BLOCK = "INSERT INTO blacklist (entry_type, value, expires_at) VALUES ($1, $2, NOW() + $3)"
AN_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "value", ["192.0.2.7", "192.0.2.0/24", "192.0.2.7/24", "2001:db8::1", "2001:db8::/32"]
)
async def test_an_address_may_be_blacklisted(db: Connection, value: str) -> None:
    insert = "INSERT INTO blacklist (entry_type, value) VALUES ('ip', $1)"
    assert await db.execute(insert, value) == "INSERT 0 1"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "carrier.example.com",
        "192.0.2.300",
        "192.0.2.0/33",
        "192.0.2.7 ",
        "10.1/16",
        "10.1",
        "010.0.0.1",
        "[2001:db8::1]",
        "192.0.2.7:5060",
        "2001:db8::/129",
        "192.0.2.1-192.0.2.9",
    ],
)
async def test_what_is_no_address_is_refused(db: Connection, value: str) -> None:
    insert = "INSERT INTO blacklist (entry_type, value) VALUES ($1, $2)"
    with pytest.raises(asyncpg.CheckViolationError, match="no IP address and no network"):
        await db.execute(insert, "ip", value)
    await db.execute(insert, "user_agent", value)
    with pytest.raises(asyncpg.CheckViolationError, match="no IP address and no network"):
        await db.execute("UPDATE blacklist SET entry_type = 'ip'")


@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        (("user_agent", "phone; 1.0", AN_HOUR), True),
        (("user_agent", "phone", None), True),
        (("user_agent", " HONE", AN_HOUR), True),
        (("user_agent", "phone", -AN_HOUR), False),
        (("user_agent", "phones", None), False),
        (("user_agent", "ph%e", None), False),
        (("user_agent", "phon_", None), False),
        (("user_agent", "", None), False),
        (("user_agent", " ", None), False),
        (("phone_number", "phone", None), False),
    ],
)
async def test_a_blacklisted_client_does_not_register(
    db: Connection,
    asterisk: Connection,
    entry: tuple[str, str, timedelta | None],
    refused: bool,
) -> None:
    await db.execute(BLOCK, *entry)
    tag = await store(asterisk, "sip:1001@192.0.2.1:5060")
    assert tag == ("INSERT 0 0" if refused else "INSERT 0 1")
    assert await db.fetchval("SELECT count(*) FROM extension_registrations") == (not refused)


async def test_a_client_without_a_name_is_not_blacklisted(
    db: Connection, asterisk: Connection
) -> None:
    await db.execute(BLOCK, "user_agent", "phone", None)
    tag = await asterisk.execute(
        "INSERT INTO ps_contacts (id, endpoint, uri, expiration_time)"
        " VALUES ('1001^3B@1', '1001', 'sip:192.0.2.1', 4000000000)"
    )
    assert tag == "INSERT 0 1"


async def test_a_client_that_is_blacklisted_later_loses_its_registration(
    db: Connection, asterisk: Connection
) -> None:
    await store(asterisk, "sip:1001@192.0.2.1:5060")
    await store(asterisk, "sip:1001@192.0.2.2:5060", contact_id="1001^3B@other")
    await db.execute(BLOCK, "user_agent", "phone", None)
    refresh = "UPDATE ps_contacts SET expiration_time = 4000000000 WHERE id = $1"
    assert await asterisk.execute(refresh, CONTACT_ID) == "UPDATE 0"
    left = await db.fetch("SELECT contact_id FROM extension_registrations")
    assert [row[0] for row in left] == ["1001^3B@other"]
