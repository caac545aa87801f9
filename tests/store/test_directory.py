"""The snapshot of the rules follows Postgres."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from stasis_app.store.directory import Directory
from tests.support.until import until

ADD = "INSERT INTO extensions (number, sip_password) VALUES ($1, 'x') RETURNING id"
REGISTER = """
    INSERT INTO extension_registrations
        (extension_id, contact_uri, ip_address, port, transport, expires_at)
    VALUES ($1, $2, '192.0.2.1', 5060, 'udp', now() + $3)"""
HOUR = timedelta(hours=1)
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""

Told = Mapping[str, Collection[UUID] | None]


@pytest.fixture
async def directory(dsn: str) -> AsyncIterator[Directory]:
    """A snapshot that is kept true, and must still be so at the end."""
    directory = Directory(dsn)
    task = asyncio.create_task(directory.follow(), name="directory")
    await directory.ready.wait()
    yield directory
    stopped = task.done()
    task.cancel()
    await asyncio.wait([task])
    assert not stopped, f"the snapshot follows no more: {task.exception()!r}"


async def register(db: asyncpg.Connection, extension: UUID, lasting: timedelta = HOUR) -> None:
    await db.execute(REGISTER, extension, f"sip:{extension}@192.0.2.1", lasting)


async def test_an_extension_comes_changes_and_goes(
    directory: Directory, db: asyncpg.Connection
) -> None:
    assert directory.book.extension("1001") is None
    await db.execute(ADD, "1001")
    found = await until(lambda: directory.book.extension("1001"))
    assert not found.dnd
    await db.execute("UPDATE extensions SET dnd_enabled = TRUE, number = '1002'")
    found = await until(lambda: directory.book.extension("1002"))
    assert found.dnd
    assert directory.book.extension("1001") is None
    await db.execute("DELETE FROM extensions")
    await until(lambda: directory.book.extension("1002") is None)


async def test_a_change_counts_when_it_is_committed(
    directory: Directory, db: asyncpg.Connection
) -> None:
    async with db.transaction():
        await db.execute(ADD, "1001")
        await asyncio.sleep(0.1)
        assert directory.book.extension("1001") is None
    await until(lambda: directory.book.extension("1001"))


async def test_two_extensions_change_numbers(directory: Directory, db: asyncpg.Connection) -> None:
    anna, ben = await db.fetchval(ADD, "1001"), await db.fetchval(ADD, "1002")
    for number, extension in [("x", anna), ("1001", ben), ("1002", anna)]:
        await db.execute("UPDATE extensions SET number = $1 WHERE id = $2", number, extension)

    def swapped() -> bool:
        found = [directory.book.extension(number) for number in ("1001", "1002")]
        return [row and row.id for row in found] == [ben, anna]

    await until(swapped)


async def test_many_rows_change_at_once(directory: Directory, db: asyncpg.Connection) -> None:
    await db.execute("""
        INSERT INTO extensions (number, sip_password)
        SELECT (1000 + n)::text, 'x' FROM generate_series(1, 500) AS n""")
    await until(lambda: directory.book.extension("1500"))
    await db.execute("UPDATE extensions SET dnd_enabled = TRUE")
    await until(lambda: all(_dnd(directory, str(1000 + n)) for n in range(1, 501)))
    await db.execute("TRUNCATE extensions CASCADE")
    await until(lambda: directory.book.extension("1001") is None)


def _dnd(directory: Directory, number: str) -> bool:
    row = directory.book.extension(number)
    return row is not None and row.dnd


async def test_a_phone_registers_and_goes(directory: Directory, db: asyncpg.Connection) -> None:
    anna = await db.fetchval(ADD, "1001")
    await register(db, anna)
    [contact] = await until(lambda: directory.book.contacts(anna))
    assert contact.uri == f"sip:{anna}@192.0.2.1"
    await db.execute("DELETE FROM extension_registrations")
    await until(lambda: not directory.book.contacts(anna))


async def test_an_expired_registration_is_dropped(
    directory: Directory, db: asyncpg.Connection
) -> None:
    anna = await db.fetchval(ADD, "1001")
    await register(db, anna, timedelta(seconds=0.5))
    await until(lambda: directory.book.contacts(anna))
    await until(lambda: not directory.book.contacts(anna))


async def test_a_refreshed_registration_stays(directory: Directory, db: asyncpg.Connection) -> None:
    """A refresh is not announced: the snapshot must look before it believes in an expiry."""
    anna, ben = await db.fetchval(ADD, "1001"), await db.fetchval(ADD, "1002")
    for extension in (anna, ben):
        await register(db, extension, timedelta(seconds=1))
    await until(lambda: directory.book.contacts(anna) and directory.book.contacts(ben))
    refresh = "UPDATE extension_registrations SET expires_at = now() + $2 WHERE extension_id = $1"
    await db.execute(refresh, anna, HOUR)
    await until(lambda: not directory.book.contacts(ben))
    assert directory.book.contacts(anna)


async def test_registrations_expire_also_while_much_changes(
    directory: Directory, db: asyncpg.Connection
) -> None:
    anna = await db.fetchval(ADD, "1001")
    await register(db, anna, timedelta(seconds=0.5))
    await until(lambda: directory.book.contacts(anna))

    async def still_there() -> bool:
        await db.execute("NOTIFY pbx_changes, 'queues:'")
        return not directory.book.contacts(anna)

    await until(still_there, what="the end of the registration", every=0.1)


async def test_the_snapshot_serves_while_postgres_is_away(
    directory: Directory, db: asyncpg.Connection
) -> None:
    await db.execute(ADD, "1001")
    await until(lambda: directory.book.extension("1001"))
    await db.execute(CUT)
    await until(lambda: not directory.connected)
    assert directory.book.extension("1001")
    await db.execute("UPDATE extensions SET number = '1002'")
    await until(lambda: directory.book.extension("1002"))
    await until(lambda: directory.connected)
    assert directory.book.extension("1001") is None


@pytest.mark.parametrize(
    "junk", ["", ":", "extensions", "extensions:x", "nothing:*", "extensions:,"]
)
async def test_anybody_may_notify(directory: Directory, db: asyncpg.Connection, junk: str) -> None:
    await db.execute("SELECT pg_notify('pbx_changes', $1)", junk)
    await db.execute(ADD, "1001")
    await until(lambda: directory.book.extension("1001"))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-1", 30.0),
        ('"20"', 30.0),
        ("null", 30.0),
        ("{}", 30.0),
        ("[5]", 30.0),
        ("true", 30.0),
        ("1e400", 30.0),
    ],
)
async def test_a_setting_that_is_no_number_is_not_used(
    directory: Directory, db: asyncpg.Connection, value: str, number: float
) -> None:
    set_it = "INSERT INTO system_settings (key, value) VALUES ($1, $2)"
    await db.execute(set_it, "a", value)
    await db.execute(set_it, "b", "1")
    await until(lambda: directory.book.number("b", 0))
    assert directory.book.number("a", 30.0) == number
    assert directory.book.number("missing", 30.0) == 30.0


async def test_a_listener_is_told_what_is_in_the_book(
    directory: Directory, db: asyncpg.Connection
) -> None:
    """Not before it is there; nor of what has not changed."""
    told: list[Told] = []
    seen: list[bool] = []

    def listen(touched: Told) -> None:
        told.append(touched)
        seen.append(directory.book.extension("1001") is not None)

    directory.tell(listen)
    async with db.transaction():
        anna = await db.fetchval(ADD, "1001")
        await register(db, anna)
    await until(lambda: any("extension_registrations" in one for one in told))
    assert ("extensions", {anna}) in [item for one in told for item in one.items()]
    assert seen[0]
    told.clear()
    await db.execute("SELECT pg_notify('pbx_changes', $1)", f"agent_slots:{anna}")
    await db.execute("NOTIFY pbx_changes, 'nothing:'")
    await until(lambda: told)
    assert told == [{"agent_slots": {anna}}]


async def test_a_listener_is_told_of_a_whole_table_when_it_is_read(
    directory: Directory, db: asyncpg.Connection
) -> None:
    counted: list[int] = []

    def listen(touched: Told) -> None:
        if "extensions" in touched and touched["extensions"] is None:
            counted.append(len(directory.book.extensions.items))

    directory.tell(listen)
    await db.execute("""
        INSERT INTO extensions (number, sip_password)
        SELECT (1000 + n)::text, 'x' FROM generate_series(1, 500) AS n""")
    await until(lambda: counted)
    assert counted[0] == 500


async def test_a_listener_is_told_of_everything_after_a_reconnection(
    directory: Directory, db: asyncpg.Connection
) -> None:
    told: list[Told] = []
    directory.tell(told.append)
    await db.execute(CUT)
    everything = await until(lambda: [one for one in told if one.get("extensions", ()) is None])
    assert everything[0]["agent_slots"] is None
    assert everything[0]["extension_registrations"] is None
    assert directory.connected
