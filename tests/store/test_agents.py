"""The agents of the queues, as Postgres knows them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from stasis_app.call import stock
from stasis_app.rules.queues import Reservation, Slot
from stasis_app.store.agents import Agents
from stasis_app.words import Wanted
from tests.support.until import until

from .agents import new_agent, new_queue, slot_of

Connection = asyncpg.Connection

SOON = timedelta(seconds=30)
HOLD = """
    UPDATE agent_slots SET call_id = $2, reserved_until = $3, talking_since = $4
    WHERE extension_id = $1"""


@pytest.fixture
async def agents(dsn: str) -> AsyncIterator[Agents]:
    agents = Agents(dsn)
    yield agents
    agents.close()


@pytest.fixture
async def processes(dsn: str) -> AsyncIterator[list[Agents]]:
    """Two processes of the application, with connections of their own."""
    processes = [Agents(dsn), Agents(dsn)]
    yield processes
    for agents in processes:
        agents.close()


def now() -> datetime:
    return datetime.now(UTC)


def wish(
    extension: UUID, queue: UUID, expected: UUID | None = None, call: UUID | None = None
) -> Reservation:
    return Reservation(extension, queue, call or uuid4(), expected, now() + SOON)


def test_calls_may_use_it(dsn: str) -> None:
    agents: stock.Agents = Agents(dsn)
    assert agents


async def test_an_agent_is_reserved(agents: Agents, db: Connection) -> None:
    queue = await new_queue(db)
    anna, ben = await new_agent(db, "1001", queue), await new_agent(db, "1002", queue)
    wishes = [wish(ben, queue), wish(anna, queue)]
    assert await agents.reserve(wishes) == wishes
    slots = {slot.extension: slot for slot in await agents.slots()}
    assert slots.keys() == {anna, ben}
    for wanted in wishes:
        slot = slots[wanted.extension]
        assert (slot.call, slot.reserved_until) == (wanted.call, wanted.until)
        assert (await slot_of(db, wanted.extension))["queue_id"] == queue
    assert await agents.reserve([wish(anna, queue), wish(ben, queue)]) == []
    assert await agents.reserve([]) == []


async def test_an_extension_without_rows_is_reserved(agents: Agents, db: Connection) -> None:
    queue, anna = await new_queue(db), await new_agent(db, "1001")
    assert await agents.slots() == []
    gone, wanted = wish(uuid4(), queue), wish(anna, queue)
    assert await agents.reserve([gone, wanted]) == [wanted]
    assert await agents.slots() == [Slot(anna, call=wanted.call, reserved_until=wanted.until)]


async def test_of_two_wishes_for_one_agent_the_first_counts(agents: Agents, db: Connection) -> None:
    queue, other = await new_queue(db), await new_queue(db, "support")
    anna = await new_agent(db, "1001", queue)
    await agents.say(anna, other, Wanted.BREAK, "")
    paused, first, second = wish(anna, other), wish(anna, queue), wish(anna, queue)
    assert await agents.reserve([paused, first, second]) == [first]


@pytest.mark.parametrize(
    ("held", "expects", "reserved", "talks", "given"),
    [
        pytest.param(False, False, None, False, True, id="free"),
        pytest.param(False, True, None, False, True, id="free already"),
        pytest.param(True, True, 30, False, True, id="the call that was expected"),
        pytest.param(True, True, None, True, True, id="the talk that was expected"),
        pytest.param(True, False, 30, False, False, id="reserved"),
        pytest.param(True, False, None, True, False, id="talks"),
        pytest.param(True, False, -1, False, True, id="run out"),
        pytest.param(True, False, -1, True, False, id="talks, though run out"),
        pytest.param(True, False, None, False, False, id="neither"),
    ],
)
async def test_what_a_slot_may_hold(
    agents: Agents,
    db: Connection,
    *,
    held: bool,
    expects: bool,
    reserved: float | None,
    talks: bool,
    given: bool,
) -> None:
    queue, call = await new_queue(db), uuid4()
    anna = await new_agent(db, "1001", queue)
    until_then = None if reserved is None else now() + timedelta(seconds=reserved)
    since = now() if talks else None
    await db.execute(HOLD, anna, call if held else None, until_then, since)
    wanted = wish(anna, queue, call if expects else uuid4())
    assert await agents.reserve([wanted]) == ([wanted] if given else [])
    slot = await slot_of(db, anna)
    assert slot["call_id"] == (wanted.call if given else call if held else None)
    assert slot["talking_since"] == (None if given else since)


@pytest.mark.parametrize(
    ("everywhere", "here", "elsewhere", "given"),
    [
        (None, None, None, True),
        (Wanted.AVAILABLE, Wanted.AVAILABLE, Wanted.OFFLINE, True),
        (Wanted.BREAK, Wanted.AVAILABLE, Wanted.AVAILABLE, False),
        (Wanted.OFFLINE, None, None, False),
        (None, Wanted.OFFLINE, None, False),
        (Wanted.AVAILABLE, Wanted.BREAK, Wanted.AVAILABLE, False),
    ],
)
async def test_who_wants_calls(
    agents: Agents,
    db: Connection,
    *,
    everywhere: Wanted | None,
    here: Wanted | None,
    elsewhere: Wanted | None,
    given: bool,
) -> None:
    """Wrap-up and rest are not asked: they may be written down late."""
    queue, other = await new_queue(db), await new_queue(db, "support")
    anna = await new_agent(db, "1001")
    for place, wanted in ((None, everywhere), (queue, here), (other, elsewhere)):
        if wanted:
            await agents.say(anna, place, wanted, "")
    wrapping = "INSERT INTO agent_slots (extension_id) VALUES ($1) ON CONFLICT DO NOTHING"
    await db.execute(wrapping, anna)
    await db.execute("UPDATE agent_slots SET wrap_up_until = $1, rests_until = $1", now() + SOON)
    assert len(await agents.reserve([wish(anna, queue)])) == given


async def test_two_processes_never_get_the_same_agent(
    processes: list[Agents], db: Connection
) -> None:
    """Half of the agents have no slot yet; each task wants all, in an order of its own."""
    queue = await new_queue(db)
    staff = [await new_agent(db, str(1000 + n), *[queue][: n % 2]) for n in range(8)]
    rounds = 10
    won: Counter[UUID] = Counter()
    for _ in range(rounds):
        tries = [
            agents.reserve([wish(one, queue) for one in staff[n % 8 :] + staff[: n % 8]])
            for n in range(8)
            for agents in processes
        ]
        made = [wanted for got in await asyncio.gather(*tries) for wanted in got]
        won.update(wanted.extension for wanted in made)
        rows = await db.fetch("SELECT extension_id, call_id FROM agent_slots")
        holders = {row["extension_id"]: row["call_id"] for row in rows}
        assert {wanted.extension: wanted.call for wanted in made} == holders
        assert len(made) == len(staff)
        await db.execute("UPDATE agent_slots SET call_id = NULL, reserved_until = NULL")
    assert won == dict.fromkeys(staff, rounds)


async def test_an_expected_call_is_replaced_once(processes: list[Agents], db: Connection) -> None:
    queue, ended = await new_queue(db), uuid4()
    anna = await new_agent(db, "1001", queue)
    await db.execute(HOLD, anna, ended, now() + SOON, None)
    tries = [agents.reserve([wish(anna, queue, ended)]) for agents in processes * 8]
    made = [wanted for got in await asyncio.gather(*tries) for wanted in got]
    assert [wanted.call for wanted in made] == [(await slot_of(db, anna))["call_id"]]


async def test_nobody_waits_long_for_a_slot_that_is_being_written_to(
    agents: Agents, dsn: str, db: Connection
) -> None:
    queue = await new_queue(db)
    anna, ben = await new_agent(db, "1001", queue), await new_agent(db, "1002", queue)
    wishes = [wish(anna, queue), wish(ben, queue)]
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("UPDATE agent_slots SET misses = 1 WHERE extension_id = $1", anna)
        assert await agents.reserve(wishes) == wishes[1:]
    await other.close()
    assert await agents.reserve(wishes[:1]) == wishes[:1]


async def test_a_slot_that_is_written_to_for_a_moment_is_given(
    agents: Agents, dsn: str, db: Connection
) -> None:
    queue = await new_queue(db)
    wishes = [wish(await new_agent(db, number, queue), queue) for number in ("1001", "1002")]
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("UPDATE agent_slots SET misses = 1")
        asked = asyncio.create_task(agents.reserve(wishes))
        await asyncio.wait([asked], timeout=0.02)
        assert not asked.done()
    assert await asked == wishes
    await other.close()


async def test_an_extension_that_is_being_deleted_is_passed_over(
    agents: Agents, dsn: str, db: Connection
) -> None:
    queue = await new_queue(db)
    anna, ben = await new_agent(db, "1001"), await new_agent(db, "1002")
    wishes = [wish(anna, queue), wish(ben, queue)]
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("DELETE FROM extensions WHERE id = $1", anna)
        assert await agents.reserve(wishes) == wishes[1:]
    await other.close()


async def test_all_of_a_slot_is_read(agents: Agents, db: Connection) -> None:
    queue, other = await new_queue(db), await new_queue(db, "support")
    anna = await new_agent(db, "1001", queue, other)
    at = [now() + timedelta(seconds=n) for n in range(6)]
    call = uuid4()
    await db.execute(
        """UPDATE agent_slots SET call_id = $1, queue_id = $2, talking_since = $3,
            wrap_up_until = $4, rests_until = $5, last_call_ended_at = $6, talk_seconds = 12.5,
            talk_since = $7, misses = 2""",
        *(call, queue, *at[:5]),
    )
    await db.execute(
        "UPDATE agent_states SET last_offered_at = $1 WHERE queue_id = $2", at[5], other
    )
    assert await agents.slots() == [
        Slot(
            anna,
            call=call,
            talking_since=at[0],
            wrap_up_until=at[1],
            rests_until=at[2],
            last_call_ended_at=at[3],
            talk_seconds=12.5,
            talk_since=at[4],
            misses=2,
            offered_at={other: at[5]},
        )
    ]


async def said(db: Connection, extension: UUID) -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        """SELECT queue_id, wanted, wanted_reason, status, reason_code FROM agent_states
        WHERE extension_id = $1 ORDER BY queue_id NULLS FIRST""",
        extension,
    )
    return [tuple(row) for row in rows]


async def test_an_agent_says_what_he_wants(agents: Agents, db: Connection) -> None:
    """Also who has no row yet; and the row stays the same one."""
    queue, anna = await new_queue(db), await new_agent(db, "1001")
    await agents.say(anna, None, Wanted.BREAK, "lunch")
    assert await said(db, anna) == [(None, "break", "lunch", "break", "lunch")]
    first = await db.fetchrow("SELECT id, wanted_at FROM agent_states")
    await agents.say(anna, None, Wanted.AVAILABLE, "")
    assert await said(db, anna) == [(None, "available", None, "available", None)]
    second = await db.fetchrow("SELECT id, wanted_at FROM agent_states")
    assert first
    assert second
    assert first["id"] == second["id"]
    assert first["wanted_at"] < second["wanted_at"]
    await agents.say(anna, queue, Wanted.OFFLINE, "x" * 200)
    assert (await said(db, anna))[1] == (queue, "offline", "x" * 100, "offline", "x" * 100)


async def test_what_is_gone_can_say_nothing(agents: Agents, db: Connection) -> None:
    anna = await new_agent(db, "1001")
    await agents.say(uuid4(), None, Wanted.BREAK, "")
    await agents.say(anna, uuid4(), Wanted.BREAK, "")
    assert await said(db, anna) == []


async def test_many_say_something_at_once(processes: list[Agents], db: Connection) -> None:
    anna = await new_agent(db, "1001")
    words = list(Wanted) * 3
    await asyncio.gather(*(one.say(anna, None, word, "") for word in words for one in processes))
    assert len(await said(db, anna)) == 1


async def test_a_lost_slot_is_freed(agents: Agents, db: Connection) -> None:
    queue = await new_queue(db)
    anna, ben = await new_agent(db, "1001", queue), await new_agent(db, "1002", queue)
    wishes = [wish(anna, queue), wish(ben, queue)]
    await agents.reserve(wishes)
    await db.execute(
        """INSERT INTO calls (id, call_id, direction, caller_number, callee_number)
        VALUES ($1, 'a', 'inbound', '030', '1')""",
        wishes[1].call,
    )
    held = set(await agents.held())
    assert held == {(anna, wishes[0].call, False), (ben, wishes[1].call, True)}
    assert not await agents.release_lost(anna, uuid4())
    assert set(await agents.held()) == held
    assert await agents.release_lost(anna, wishes[0].call)
    assert not await agents.release_lost(anna, wishes[0].call)
    assert {one.extension for one in await agents.held()} == {ben}
    slot = await slot_of(db, anna)
    assert (slot["queue_id"], slot["reserved_until"]) == (None, None)


async def test_a_lost_talk_makes_an_agent_available(agents: Agents, db: Connection) -> None:
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    [made] = await agents.reserve([wish(anna, queue)])
    connected = {"extension_id": str(anna), "call_id": str(made.call), "change": "connected"}
    change = "SELECT change_agents(jsonb_build_array(jsonb_build_object("
    values = ", ".join(f"'{key}', '{value}'" for key, value in connected.items())
    await db.execute(f"{change}{values}, 'at', now())))")
    assert {row[3] for row in await said(db, anna)} == {"busy"}
    assert await agents.release_lost(anna, made.call)
    assert {row[3] for row in await said(db, anna)} == {"available"}


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def test_to_release_a_slot_blocks_nobody_who_changes_agents(
    agents: Agents, dsn: str, db: Connection
) -> None:
    """It waits for the journal, and does not hold a slot meanwhile that the journal needs."""
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    [made] = await agents.reserve([wish(anna, queue)])
    change = {"extension_id": str(anna), "change": "rested", "at": now().isoformat()}
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("SELECT change_agents('[]')")
        releasing = asyncio.create_task(agents.release_lost(anna, made.call), name="releasing")
        await until(lambda: db.fetchval(WAITING), what="the release to wait")
        await other.execute("SELECT change_agents($1)", json.dumps([change]))
    await other.close()
    assert await releasing
    assert (await slot_of(db, anna))["call_id"] is None


async def test_who_is_being_deleted_says_nothing(agents: Agents, dsn: str, db: Connection) -> None:
    anna, queue = await new_agent(db, "1001"), await new_queue(db)
    await new_agent(db, "1002", queue)
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute("DELETE FROM extensions WHERE id = $1", anna)
        saying = asyncio.create_task(agents.say(anna, None, Wanted.BREAK, ""), name="saying")
        await until(lambda: db.fetchval(WAITING), what="the agent to wait")
        await other.execute("DELETE FROM queue_members")
    await other.close()
    await saying
    assert await said(db, anna) == []


async def test_postgres_is_away(dsn: str, db: Connection) -> None:
    agents = Agents(dsn.replace("/test_", "/none_"))
    with pytest.raises(ConnectionError, match="agents can't be reserved"):
        await agents.reserve([wish(uuid4(), uuid4())])
    with pytest.raises(ConnectionError, match="agents can't be read"):
        await agents.slots()
    agents.close()


async def test_a_statement_waits_for_no_more_than_its_time(dsn: str, db: Connection) -> None:
    """A lock on the whole table is no lock on a row."""
    queue, anna, agents = await new_queue(db), await new_agent(db, "1001"), Agents(dsn)
    async with db.transaction():
        await db.execute("LOCK TABLE agent_slots")
        reserving = asyncio.create_task(agents.reserve([wish(anna, queue)]), name="reserving")
        await until(lambda: db.fetchval(WAITING), what="the reservation to wait")
        with pytest.raises(ConnectionError):
            await reserving
    agents.close()


async def test_reservations_are_announced_to_nobody(agents: Agents, db: Connection) -> None:
    """Who makes them knows; and none of them waits for who changes agents at that moment."""
    queue = await new_queue(db)
    anna, told = await new_agent(db, "1001", queue), list[object]()
    await db.add_listener("pbx_changes", lambda *args: told.append(args[-1]))
    first = wish(anna, queue)
    again = wish(anna, queue, first.call, first.call)
    for wanted in (first, again, wish(anna, queue, again.call)):
        assert await agents.reserve([wanted]) == [wanted]
    await db.execute("NOTIFY pbx_changes, 'nothing:'")
    await until(lambda: "nothing:" in told)
    assert told == ["nothing:"]
    await db.reset()


async def test_infinity_is_a_time_like_others(db: Connection, agents: Agents) -> None:
    """Who wants to be left alone until further notice writes it so."""
    queue = await new_queue(db)
    anna = await new_agent(db, "1001", queue)
    await db.execute(
        "UPDATE agent_slots SET wrap_up_until = 'infinity', rests_until = '-infinity'"
        " WHERE extension_id = $1",
        anna,
    )
    [slot] = [one for one in await agents.slots() if one.extension == anna]
    assert slot.wrap_up_until
    assert slot.rests_until
    assert slot.rests_until < now() < slot.wrap_up_until
