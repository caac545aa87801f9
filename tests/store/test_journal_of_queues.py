"""What the journal tells of agents and of calls in queues."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.rules.queues import Reservation
from stasis_app.store.agents import Agents
from stasis_app.store.shipper import Shipper, write_group
from stasis_app.store.spool import Spool
from tests.support.until import until

from . import journal
from .agents import ADD_MEMBER, new_agent, new_queue, slot_of
from .test_shipper import _dies, _dies_here, rejected, ship, shipping, write

Connection = asyncpg.Connection


def change(agent: UUID | str, word: str, seconds: float = 0, **fields: Any) -> journal.Record:
    """What an agent does, as the journal has it: a record without a call."""
    texts = {key: str(value) if isinstance(value, UUID) else value for key, value in fields.items()}
    at = journal.at(seconds)
    return {"agent": {"extension_id": str(agent), "change": word, "at": at, **texts}}


def ended(agent: UUID, call: UUID, seconds: float, talked: float) -> journal.Record:
    times = {"talk_since": journal.at(0), "wrap_up_until": None}
    return change(agent, "ended", seconds, call_id=call, talk_seconds=talked, **times)


def visit(call: str, identity: str, **columns: Any) -> journal.Record:
    return {"call": call, "visit": {"id": identity, **columns}}


def entry(call: str, identity: str, queue: UUID | None = None, **columns: Any) -> journal.Record:
    """The first record of a visit."""
    row = {"queue_id": str(queue or uuid4()), "joined_at": journal.at(1), **columns}
    return visit(call, identity, entered_at=journal.at(2), **row)


async def reserve(dsn: str, agent: UUID, queue: UUID, expected: UUID | None = None) -> UUID:
    """Return the call that an agent is reserved for."""
    agents, call = Agents(dsn), uuid4()
    wish = Reservation(agent, queue, call, expected, journal.START)
    try:
        assert await agents.reserve([wish]) == [wish]
    finally:
        agents.close()
    return call


async def test_a_conversation_of_an_agent(spool: Spool, dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    call = await reserve(dsn, anna, queue)
    write(spool, change(anna, "offered", 1, call_id=call, queue_id=queue))
    write(spool, change(anna, "connected", 2, call_id=call))
    await ship(spool, dsn)
    slot = await slot_of(db, anna)
    assert (slot["call_id"], slot["reserved_until"]) == (call, None)
    assert slot["talking_since"].isoformat() == journal.at(2)
    offered = "SELECT last_offered_at FROM agent_states WHERE queue_id = $1"
    assert (await db.fetchval(offered, queue)).isoformat() == journal.at(1)
    write(spool, ended(anna, call, 12, 10.5))
    await ship(spool, dsn)
    slot = await slot_of(db, anna)
    assert (slot["call_id"], slot["talking_since"], slot["talk_seconds"]) == (None, None, 10.5)
    assert slot["last_call_ended_at"].isoformat() == journal.at(12)
    assert rejected(spool) == []


@pytest.mark.parametrize("word", ["ended", "missed", "released"])
async def test_a_late_record_does_not_free_what_is_reserved_anew(
    spool: Spool, dsn: str, db: Connection, word: str
) -> None:
    """The end of a call is written down when the agent has the next one already."""
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    first = await reserve(dsn, anna, queue)
    second = await reserve(dsn, anna, queue, expected=first)
    records = {
        "ended": ended(anna, first, 5, 3.0),
        "missed": change(
            anna, "missed", 5, call_id=first, rests_until=journal.at(9), misses=1, **{"break": None}
        ),
        "released": change(anna, "released", 5, call_id=first),
    }
    write(spool, records[word])
    await ship(spool, dsn)
    slot = await slot_of(db, anna)
    assert (slot["call_id"], slot["reserved_until"]) == (second, journal.START)
    assert slot["talk_seconds"] == (3 if word == "ended" else 0)
    assert slot["misses"] == (word == "missed")
    write(spool, change(anna, "released", 6, call_id=second))
    await ship(spool, dsn)
    assert (await slot_of(db, anna))["call_id"] is None


@pytest.mark.parametrize("grouped", [True, False])
async def test_agents_change_in_the_order_of_the_records(
    db: Connection, dsn: str, *, grouped: bool
) -> None:
    """The agents of many calls, mixed; the last word of each counts."""
    queue = await new_queue(db)
    staff = [await new_agent(db, str(1000 + n), queue) for n in range(3)]
    calls = [await reserve(dsn, one, queue) for one in staff]
    records = [
        record
        for n in range(4)
        for one, call in zip(staff, calls, strict=True)
        for record in (
            change(one, "situation", n, engaged=n % 2 == 0, hindrance=None),
            change(one, "situation", n, engaged=n % 2 == 1, hindrance=f"h{n}"),
            ended(one, call, n, 1.5),
        )
    ]
    for group in [records] if grouped else [[record] for record in records]:
        await write_group(db, group)
    rows = await db.fetch("SELECT * FROM agent_slots")
    assert len(rows) == 3
    for row in rows:
        assert (row["engaged"], row["hindrance"], row["talk_seconds"]) == (True, "h3", 6)
        assert row["last_call_ended_at"].isoformat() == journal.at(3)


@pytest.mark.parametrize("killed", ["drop_before", "_save"])
async def test_a_talk_is_counted_once(
    tmp_path: Path, dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """Killed after the commit, and before it."""
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    call, identity = journal.new_call(), journal.new_call()
    spool = Spool(tmp_path)
    write(spool, entry(call, identity, offers=1), ended(anna, UUID(call), 5, 2.5))
    if killed == "_save":
        monkeypatch.setattr(Shipper, killed, _dies)
    else:
        monkeypatch.setattr(Spool, killed, _dies_here)
    with pytest.raises(RuntimeError, match="killed"):
        await Shipper(spool, dsn).run()
    monkeypatch.undo()
    spool.close()
    other = Spool(tmp_path)
    write(other, ended(anna, UUID(call), 6, 1.0))
    await ship(other, dsn)
    assert (await slot_of(db, anna))["talk_seconds"] == 3.5
    assert await db.fetchval("SELECT count(*) FROM queue_calls") == 1
    assert rejected(other) == []
    other.close()


async def test_an_agent_who_is_gone_stops_nobody(spool: Spool, dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    anna, ben = await new_agent(db, "1001", queue), await new_agent(db, "1002", queue)
    call = await reserve(dsn, ben, queue)
    await db.execute("DELETE FROM extensions WHERE id = $1", anna)
    for agent in (anna, ben):
        write(spool, change(agent, "offered", 1, call_id=call, queue_id=queue))
        write(spool, change(agent, "situation", 1, engaged=True, hindrance=None))
        write(spool, ended(agent, call, 2, 1.0))
    await ship(spool, dsn)
    rows = await db.fetch("SELECT extension_id, talk_seconds FROM agent_slots")
    assert [tuple(row) for row in rows] == [(ben, 1)]
    assert rejected(spool) == []


async def test_a_call_through_a_queue(spool: Spool, dsn: str, db: Connection) -> None:
    """Its columns get to `cdr`, however the records are grouped."""
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    columns = {
        "queue_id": str(queue),
        "agent_extension_id": str(anna),
        "queue_wait_time_seconds": 12.4,
    }
    calls = [journal.new_call() for _ in range(2)]
    for call, grouped in zip(calls, (True, False), strict=True):
        first, *rest = journal.story(call)
        changes = [{"call": call, "change": {key: value}} for key, value in columns.items()]
        records = [first, *changes, *rest]
        for group in [records] if grouped else [[record] for record in records]:
            await write_group(db, group)
    rows = await db.fetch(f"SELECT {', '.join(columns)} FROM cdr")
    assert [tuple(row) for row in rows] == [(queue, anna, 12)] * 2


@pytest.mark.parametrize("grouped", [True, False])
async def test_a_queue_and_an_agent_who_are_gone(db: Connection, *, grouped: bool) -> None:
    call, gone = journal.new_call(), str(uuid4())
    columns = {"queue_id": gone, "agent_extension_id": gone, "queue_wait_time_seconds": 3}
    records = [journal.begin(call), {"call": call, "change": columns}]
    for group in [records] if grouped else [[record] for record in records]:
        await write_group(db, group)
    row = await db.fetchrow(f"SELECT {', '.join(columns)} FROM calls")
    assert row is not None
    assert tuple(row) == (None, None, 3)


async def test_a_queue_that_is_being_deleted_is_passed_over(
    spool: Spool, dsn: str, db: Connection
) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    call, admin = journal.new_call(), await asyncpg.connect(dsn)
    columns = {"queue_id": str(queue), "agent_extension_id": str(anna)}
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    write(spool, journal.begin(call), {"call": call, "change": columns})
    async with shipping(spool, dsn) as shipper:
        async with admin.transaction():
            await admin.execute("DELETE FROM queues; DELETE FROM extensions")
            await until(lambda: db.fetchval(waiting), what="the shipper to wait for the admin")
        assert await shipper.drained()
    await admin.close()
    row = await db.fetchrow("SELECT queue_id, agent_extension_id FROM calls")
    assert row is not None
    assert tuple(row) == (None, None)
    assert rejected(spool) == []


@pytest.mark.parametrize("grouped", [True, False])
async def test_a_visit_to_a_queue(db: Connection, *, grouped: bool) -> None:
    """Only what is given changes; null is given as well."""
    queue, agent = uuid4(), uuid4()
    call, identity = journal.new_call(), journal.new_call()
    skills = ["de", "a,b"]
    records = [
        entry(call, identity, queue, caller_number="030", priority=5, skills=skills, position=3),
        entry(journal.new_call(), journal.new_call(), queue, is_callback=True),
        visit(call, identity, offers=1),
        visit(call, identity, offers=2, agent_extension_id=str(agent), answered_at=journal.at(3)),
        visit(call, identity, answered_at=None, agent_extension_id=None),
        visit(call, identity, left_at=journal.at(9), left_how="abandoned", left_position=1),
        visit(call, identity, ended_by="caller", ended_at=journal.at(9), talk_seconds=1.5),
    ]
    for group in [records] if grouped else [[record] for record in records]:
        await write_group(db, group)
    row = await db.fetchrow("SELECT * FROM queue_calls WHERE id = $1", identity)
    assert row is not None
    assert (str(row["call_id"]), row["queue_id"], row["caller_number"]) == (call, queue, "030")
    assert (row["priority"], row["skills"], row["position"], row["offers"]) == (5, skills, 3, 2)
    assert (row["answered_at"], row["agent_extension_id"]) == (None, None)
    assert row["joined_at"].isoformat() == journal.at(1)
    assert row["left_at"].isoformat() == row["ended_at"].isoformat() == journal.at(9)
    assert (row["left_how"], row["left_position"], row["ended_by"]) == ("abandoned", 1, "caller")
    assert (row["talk_seconds"], row["is_callback"]) == (1.5, False)
    other = await db.fetchrow("SELECT * FROM queue_calls WHERE id <> $1", identity)
    assert other is not None
    assert (other["is_callback"], other["offers"], other["position"]) == (True, 0, None)


async def test_all_parts_of_a_record_count(spool: Spool, dsn: str, db: Connection) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    call, identity = journal.new_call(), journal.new_call()
    write(
        spool,
        {
            **journal.begin(call),
            **entry(call, identity, queue),
            **change(anna, "situation", engaged=True, hindrance=None),
            "change": {"queue_id": str(queue)},
        },
    )
    await ship(spool, dsn)
    assert await db.fetchval("SELECT queue_id FROM calls") == queue
    assert str(await db.fetchval("SELECT id FROM queue_calls")) == identity
    assert (await slot_of(db, anna))["engaged"]
    assert await db.fetchval("SELECT count(*) FROM call_events") == 1
    assert rejected(spool) == []


AGENT = uuid4()
POISONED: dict[str, journal.Record] = {
    "an agent that is none": {"agent": "x"},
    "no agent": {"agent": None},
    "an agent without an id": {"agent": {"change": "rested", "at": journal.at(1)}},
    "an agent without a time": {"agent": {"change": "rested", "extension_id": str(AGENT)}},
    "an id of an agent that is none": change("nobody", "rested"),
    "not a time of an agent": {"agent": {**change(AGENT, "rested")["agent"], "at": "at noon"}},
    "not a change of an agent": change(AGENT, "flew away"),
    "not a number of seconds": {
        "agent": {**ended(AGENT, uuid4(), 1, 1)["agent"], "talk_seconds": "x"}
    },
    "an agent, and no call": {**change(AGENT, "rested"), "change": {"state": "ringing"}},
    "a visit that is none": {"call": journal.new_call(), "visit": "x"},
    "a visit without an id": {"call": journal.new_call(), "visit": {"offers": 1}},
    "an id of a visit that is none": entry(journal.new_call(), "x"),
    "a visit whose id is null": {"call": journal.new_call(), "visit": {"id": None, "offers": 1}},
    "a visit that never began": visit(journal.new_call(), journal.new_call(), offers=1),
    "a visit of no call": {"visit": entry("", journal.new_call())["visit"]},
    "not a way to leave": entry(journal.new_call(), journal.new_call(), left_how="flew away"),
    "not a position": entry(journal.new_call(), journal.new_call(), position="x"),
}


@pytest.mark.parametrize("poison", POISONED.values(), ids=POISONED)
async def test_a_poisoned_record_is_set_aside(
    spool: Spool, dsn: str, db: Connection, poison: journal.Record
) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    await db.execute(
        "INSERT INTO extensions (id, number, sip_password) VALUES ($1, '1002', 'x')", AGENT
    )
    await db.execute(ADD_MEMBER, queue, AGENT)
    visits = [journal.new_call(), journal.new_call()]
    call = journal.new_call()
    write(spool, entry(call, visits[0]), ended(anna, uuid4(), 1, 1.0))
    write(spool, poison)
    write(spool, entry(call, visits[1]), visit(call, visits[0], offers=2))
    write(spool, ended(anna, uuid4(), 2, 2.0), *journal.story(call))
    await ship(spool, dsn)
    assert rejected(spool) == [poison]
    rows = await db.fetch("SELECT id, offers FROM queue_calls ORDER BY offers DESC")
    assert [(str(row["id"]), row["offers"]) for row in rows] == [(visits[0], 2), (visits[1], 0)]
    assert (await slot_of(db, anna))["talk_seconds"] == 3
    assert await db.fetchval("SELECT count(*) FROM cdr") == 1
