"""The journal's way from the spool to Postgres."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from stasis_app.store.shipper import Shipper, write_group
from stasis_app.store.spool import Spool
from tests.store.conftest import StoppableServer as Server
from tests.support.until import until

from . import journal


class AtWork:
    """A shipper that runs; one that has stopped fails the test that waits for it."""

    def __init__(self, spool: Spool, dsn: str) -> None:
        self.shipper = Shipper(spool, dsn)
        self.task = asyncio.create_task(self.shipper.run(), name="shipper")

    async def drained(self, within: float = 10.0) -> bool:
        """Return whether all was written within so many seconds."""
        drained = asyncio.create_task(self.shipper.drained())
        both = {drained, self.task}
        await asyncio.wait(both, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()
        assert not self.task.done(), f"the shipper has stopped: {self.task.exception()!r}"
        return drained.done()


@asynccontextmanager
async def shipping(spool: Spool, dsn: str) -> AsyncIterator[AtWork]:
    at_work = AtWork(spool, dsn)
    try:
        yield at_work
    finally:
        at_work.task.cancel()
        await asyncio.wait([at_work.task])


async def ship(spool: Spool, dsn: str) -> None:
    async with shipping(spool, dsn) as shipper:
        assert await shipper.drained()


def write(spool: Spool, *records: journal.Record) -> None:
    for record in records:
        spool.write(record)


def rejected(spool: Spool) -> list[Any]:
    path = spool._directory / "rejected.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["record"] for line in lines]


async def timeline(db: asyncpg.Connection, call: str) -> list[int]:
    rows = await db.fetch("SELECT seq FROM call_events WHERE call_id = $1 ORDER BY seq", call)
    return [row["seq"] for row in rows]


async def test_a_call_becomes_one_row_of_cdr(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    """Also when begin, change and end come in one group."""
    call = journal.new_call()
    write(spool, *journal.story(call))
    await ship(spool, dsn)
    [cdr] = await db.fetch("SELECT * FROM cdr")
    assert str(cdr["call_id"]) == call
    assert (cdr["duration_seconds"], cdr["hangup_cause"]) == (1, "normal_clearing")
    assert cdr["ringing_at"].isoformat() == journal.at(2)
    assert await timeline(db, call) == [1, 2, 3, 4]
    for table in ("calls", "call_positions"):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_call_goes_through_its_states(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    call = journal.new_call()
    states = []
    async with shipping(spool, dsn) as shipper:
        for record in journal.story(call):
            write(spool, record)
            await shipper.drained()
            states.append(await db.fetchval("SELECT state FROM calls"))
    assert states == ["initiated", "ringing", "answered", None]


async def test_rows_that_are_being_deleted_are_passed_over(
    spool: Spool, dsn: str, db: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call begins while an admin deletes its trunk and its callee."""
    new_trunk = (
        "INSERT INTO trunks (name, trunk_type, host) VALUES ('a', 'static', 'b') RETURNING id"
    )
    trunk = await db.fetchval(new_trunk)
    ben = await db.fetchval(
        "INSERT INTO extensions (number, sip_password) VALUES ('1', 'x') RETURNING id"
    )
    call, admin = journal.new_call(), await asyncpg.connect(dsn)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    write(spool, journal.begin(call, trunk_id=str(trunk)))
    write(spool, {"call": call, "change": {"callee_extension_id": str(ben), "callee_name": "B"}})
    async with shipping(spool, dsn) as shipper:
        async with admin.transaction():
            await admin.execute("DELETE FROM trunks; DELETE FROM extensions")
            await until(lambda: db.fetchval(waiting), 5.0, "the shipper to wait for the admin")
        assert await shipper.drained()
    await admin.close()
    row = await db.fetchrow("SELECT trunk_id, callee_extension_id FROM calls")
    assert row is not None
    assert tuple(row) == (None, None)
    assert "journal_isolates" not in capsys.readouterr().out
    assert not rejected(spool)


@pytest.mark.parametrize("name", ["Ben", None])
async def test_grouping_makes_no_difference(db: asyncpg.Connection, name: str | None) -> None:
    """A forward from a callee with a name to one with another name, or with none."""
    bob = await db.fetchval(
        "INSERT INTO extensions (number, sip_password) VALUES ('1', 'x') RETURNING id"
    )
    calls = [journal.new_call(), journal.new_call()]
    for call, grouped in zip(calls, (True, False), strict=True):
        records = [
            journal.begin(call),
            {"call": call, "change": {"callee_extension_id": str(bob), "callee_name": "Bob"}},
            {"call": call, "change": {"callee_extension_id": str(bob), "callee_name": name}},
        ]
        for group in [records] if grouped else [[record] for record in records]:
            await write_group(db, group)
    names = {row["callee_name"] for row in await db.fetch("SELECT callee_name FROM calls")}
    assert names == {name}


async def test_sip_call_id_is_used_again_within_a_group(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    for call in (journal.new_call(), journal.new_call()):
        first, *rest = journal.story(call)
        first["begin"]["call_id"] = "the same"
        write(spool, first, *rest)
    await ship(spool, dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 2
    assert rejected(spool) == []


POISONED: dict[str, journal.Record] = {
    "too long": journal.begin(journal.new_call(), caller_number="1" * 51),
    "not a word of the list": journal.begin(journal.new_call(), direction="sideways"),
    "NUL": journal.begin(journal.new_call(), caller_name="\0"),
    "half a surrogate": journal.begin(journal.new_call(), caller_name="\ud800"),
    "no such call": {"call": journal.new_call(), "position": journal.position("extension")},
    "not a call": journal.event("nobody", 1),
    "not a time": {"call": journal.new_call(), "event": [1, "at noon", "rang", {}]},
    "not an event": {"call": journal.new_call(), "event": None},
    "not a row": {"call": journal.new_call(), "begin": [1]},
    "no call": {"event": [1, journal.at(1), "rang", {}]},
    "not a kind": journal.promise(journal.new_call(), journal.new_call(), kind="song"),
    "not a delivery": {"call": journal.new_call(), "delivery": "x"},
    "no details": journal.delivery(journal.new_call(), journal.new_call(), details="x"),
}


@pytest.mark.parametrize("poison", POISONED.values(), ids=POISONED)
async def test_a_poisoned_record_is_set_aside(
    spool: Spool, dsn: str, db: asyncpg.Connection, poison: journal.Record
) -> None:
    before, after = journal.new_call(), journal.new_call()
    write(spool, *journal.story(before), poison, *journal.story(after))
    await ship(spool, dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 2
    assert await timeline(db, after) == [1, 2, 3, 4]
    assert rejected(spool) == [poison]


async def test_an_unreadable_line_is_set_aside(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    call = journal.new_call()
    [path] = spool._directory.glob("*.jsonl")
    write(spool, *journal.story(call)[:2])
    with path.open("ab") as file:
        file.write(b'{"call": \xff\n5\n')
    write(spool, *journal.story(call)[2:])
    await ship(spool, dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 1
    assert len(rejected(spool)) == 2


async def test_nothing_is_written_twice(
    tmp_path: Path, dsn: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the commit and whatever would follow it."""
    call = journal.new_call()
    spool = Spool(tmp_path)
    write(spool, *journal.story(call))
    monkeypatch.setattr(Spool, "drop_before", _dies_here)
    with pytest.raises(RuntimeError, match="killed"):
        await Shipper(spool, dsn).run()
    monkeypatch.undo()
    spool.close()
    other = Spool(tmp_path)
    write(other, *journal.story(journal.new_call()))
    await ship(other, dsn)
    other.close()
    assert await db.fetchval("SELECT count(*) FROM cdr WHERE call_id = $1", call) == 1
    assert await db.fetchval("SELECT count(*) FROM cdr") == 2


async def test_what_was_not_committed_is_written_again(
    spool: Spool, dsn: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the group and the position, which are one transaction."""
    write(spool, *journal.story(journal.new_call()))
    monkeypatch.setattr(Shipper, "_save", _dies)
    with pytest.raises(RuntimeError, match="killed"):
        await Shipper(spool, dsn).run()
    monkeypatch.undo()
    assert await db.fetchval("SELECT count(*) FROM cdr") == 0
    await ship(spool, dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 1


def _dies_here(*_: object) -> None:
    raise RuntimeError("killed")


async def _dies(*_: object) -> None:
    _dies_here()


async def test_postgres_is_away_for_a_while(server: Server, spool: Spool, dsn: str) -> None:
    calls = [journal.new_call() for _ in range(3)]
    async with shipping(spool, dsn) as shipper:
        write(spool, *journal.story(calls[0]))
        await shipper.drained()
        await server.stop()
        write(spool, *journal.story(calls[1]))
        await server.resume()
        write(spool, *journal.story(calls[2]))
        assert await shipper.drained()
    db = await asyncpg.connect(dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 3
    await db.close()
    assert rejected(spool) == []


async def test_a_connection_is_cut(spool: Spool, dsn: str, db: asyncpg.Connection) -> None:
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    async with shipping(spool, dsn) as shipper:
        for _ in range(3):
            await shipper.drained()
            await db.execute(cut)
            write(spool, *journal.story(journal.new_call()))
        assert await shipper.drained()
    assert await db.fetchval("SELECT count(*) FROM cdr") == 3


OBSTACLES = {
    "read only": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "ALTER DATABASE {name} RESET default_transaction_read_only",
    ),
    "no connection is free": (
        "ALTER DATABASE {name} CONNECTION LIMIT 0",
        "ALTER DATABASE {name} CONNECTION LIMIT -1",
    ),
    "renamed": (
        "ALTER DATABASE {name} RENAME TO {name}_x",
        "ALTER DATABASE {name}_x RENAME TO {name}",
    ),
    "no login": ("ALTER ROLE pbx NOLOGIN", "ALTER ROLE pbx LOGIN"),
}


@pytest.mark.parametrize(("obstruct", "clear"), OBSTACLES.values(), ids=OBSTACLES)
async def test_postgres_refuses_for_a_while(
    server: Server, spool: Spool, dsn: str, obstruct: str, clear: str
) -> None:
    """Whatever keeps it from writing: the shipper waits, and then writes all."""
    name = dsn.partition("@/")[2].partition("?")[0]
    postgres = await asyncpg.connect(server.dsn("postgres", user="postgres"))
    write(spool, *journal.story(journal.new_call()))
    await postgres.execute(obstruct.format(name=name))
    try:
        async with shipping(spool, dsn) as shipper:
            assert not await shipper.drained(within=0.5), "it was not refused"
            await postgres.execute(clear.format(name=name))
            assert await shipper.drained()
    finally:
        with contextlib.suppress(asyncpg.PostgresError):
            await postgres.execute(clear.format(name=name))
        await postgres.close()


async def test_a_table_is_locked_for_too_long(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    name = await db.fetchval("SELECT current_database()")
    await db.execute(f"ALTER DATABASE {name} SET lock_timeout = '50ms'")
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with shipping(spool, dsn) as shipper:
        async with db.transaction():
            await db.execute("LOCK TABLE calls")
            write(spool, *journal.story(journal.new_call()))
            await until(lambda: db.fetchval(waiting), what="the shipper's attempt")
            await asyncio.sleep(0.1)
        assert await shipper.drained()
    assert await db.fetchval("SELECT count(*) FROM cdr") == 1


async def test_many_records_are_written_in_few_groups(
    spool: Spool, dsn: str, db: asyncpg.Connection
) -> None:
    calls = [journal.new_call() for _ in range(500)]
    write(spool, *(record for call in calls for record in journal.story(call)))
    await ship(spool, dsn)
    assert await db.fetchval("SELECT count(*) FROM cdr") == 500
    transactions = "SELECT count(DISTINCT xmin::text) FROM call_events"
    assert await db.fetchval(transactions) < 10


def test_the_spool_directory_is_private(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.close()
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700


def delivery(call: str, identity: str, outcome: str) -> list[journal.Record]:
    """Records of one delivery, by what becomes of it."""
    finish = journal.delivery(call, identity, finished_at=journal.at(9), details={"seconds": 8})
    urgent = journal.delivery(call, identity, details={"urgent": True})
    discard = journal.delivery(call, identity, discarded=True)
    further = {
        "recording": [],
        "changed": [urgent],
        "finished": [urgent, finish, journal.delivery(call, identity, details=None)],
        "discarded": [urgent, discard],
        "finished, then discarded": [finish, discard],
        "discarded, then finished": [discard, finish],
    }
    return [journal.promise(call, identity), *further[outcome]]


OUTCOMES = {
    "recording": ("recording", False, {"caller_number": "1001", "urgent": False}),
    "changed": ("recording", False, {"caller_number": "1001", "urgent": True}),
    "finished": ("finished", True, {"caller_number": "1001", "urgent": True, "seconds": 8}),
    "discarded": ("discarded", False, {"caller_number": "1001", "urgent": True}),
}


@pytest.mark.parametrize("grouped", [True, False])
async def test_what_becomes_of_a_delivery(db: asyncpg.Connection, *, grouped: bool) -> None:
    call, names = journal.new_call(), {}
    records = [journal.begin(call)]
    for outcome in (*OUTCOMES, "finished, then discarded", "discarded, then finished"):
        identity = journal.new_call()
        names[identity] = outcome
        records += delivery(call, identity, outcome)
    records.append(journal.end(call, 2))
    for group in [records] if grouped else [[record] for record in records]:
        await write_group(db, group)
    rows = await db.fetch("SELECT *, details::text AS told FROM recording_deliveries")
    found = {names[str(row["id"])]: row for row in rows}
    for outcome, expected in OUTCOMES.items():
        row = found[outcome]
        assert (row["state"], row["finished_at"] is not None, json.loads(row["told"])) == expected
    assert found["finished, then discarded"]["state"] == "discarded"
    assert found["discarded, then finished"]["state"] == "discarded"
    first = found["recording"]
    assert str(first["call_id"]) == call
    assert first["recording"].startswith("pbx-")
    assert first["began_at"].isoformat() == journal.at(1)
    assert await db.fetchval("SELECT count(*) FROM recording_deliveries WHERE attempts > 0") == 0


async def test_where_nothing_is_recorded_all_is_there_at_once(db: asyncpg.Connection) -> None:
    await write_group(db, [journal.promise(journal.new_call(), journal.new_call(), recording=None)])
    row = await db.fetchrow("SELECT state, finished_at, recording FROM recording_deliveries")
    assert row is not None
    assert (row["state"], row["finished_at"].isoformat()) == ("finished", journal.at(1))


async def test_a_delivery_is_written_once_whenever_one_is_killed(
    tmp_path: Path, dsn: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the commit, and after it when it may have been carried away already."""
    call, identity = journal.new_call(), journal.new_call()
    for where, dies in ((Shipper, "_save"), (Spool, "drop_before")):
        spool = Spool(tmp_path)
        if where is Shipper:
            write(spool, journal.begin(call), journal.promise(call, identity))
            write(spool, journal.delivery(call, identity, finished_at=journal.at(9)))
        monkeypatch.setattr(where, dies, _dies if where is Shipper else _dies_here)
        with pytest.raises(RuntimeError, match="killed"):
            await Shipper(spool, dsn).run()
        monkeypatch.undo()
        spool.close()
        there = 0 if where is Shipper else 1
        assert await db.fetchval("SELECT count(*) FROM recording_deliveries") == there
    await db.execute("DELETE FROM recording_deliveries")
    spool = Spool(tmp_path)
    write(spool, journal.delivery(call, identity, discarded=True), journal.end(call, 2))
    await ship(spool, dsn)
    spool.close()
    assert await db.fetchval("SELECT count(*) FROM recording_deliveries") == 0
    assert await db.fetchval("SELECT count(*) FROM cdr") == 1


async def test_what_is_stored_stays_so(db: asyncpg.Connection) -> None:
    call, identity = journal.new_call(), journal.new_call()
    await write_group(db, [journal.promise(call, identity)])
    await db.execute("UPDATE recording_deliveries SET state = 'stored'")
    await write_group(db, [journal.delivery(call, identity, discarded=True)])
    await write_group(db, [journal.promise(call, identity)])
    rows = await db.fetch("SELECT state FROM recording_deliveries")
    assert [row["state"] for row in rows] == ["stored"]
