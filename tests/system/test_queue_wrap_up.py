"""What agents do after a call and in several queues, and what `agent_states` says of it."""

import asyncio
import uuid
from typing import Any

import asyncpg

from tests.support.sip import RawPhone

from .conversation import hear_each_other
from .incoming import number
from .outside import change, setting
from .pbx import Pbx
from .queues import (
    Entry,
    Line,
    Talk,
    becomes,
    comes,
    connected,
    did,
    entry,
    identity,
    member,
    offers,
    parts,
    queue,
    rung,
    status,
    takes,
    wants,
)
from .voicemail import speaks, together

LONGEST = 1.0
SOON = {True: 1.0, False: 4.0}
"""Rows that are edited in the moment when the application writes them are read later again."""


async def two_queues(pbx: Pbx, anna: RawPhone, *columns: dict[str, Any]) -> list[Line]:
    return [await queue(pbx, anna, **one) for one in columns]


async def ways_to(pbx: Pbx, first: Line, *others: Line) -> list[Entry]:
    """Return a way to each of the queues, over one carrier."""
    at = await entry(pbx, first)
    return [at, *[Entry(at.carrier, await did(pbx, line)) for line in others]]


async def answers(agent: RawPhone, caller: str, within: float = 5.0) -> None:
    _, incoming = await rung((agent,), caller, within)
    await incoming.answer()
    await incoming.answered()


# wrap-up


async def holds_everywhere(pbx: Pbx) -> None:
    """After a call of one queue those of the other wait, too; one without a wrap-up has none."""
    (anna,) = await pbx.phones(1)
    lines = await two_queues(pbx, anna, {"wrap_up_time_seconds": 1}, {"wrap_up_time_seconds": 0})
    slow, quick = await ways_to(pbx, *lines)
    talk = await connected(pbx, slow, (anna,))
    caller, loop = number(), asyncio.get_running_loop()
    call = await comes(pbx, quick, caller)
    await parts(talk)
    parted = loop.time()
    for line in (None, *lines):
        await becomes(pbx, anna, "wrap_up", line)
    _, incoming = await rung((anna,), caller)
    assert 0.9 < loop.time() - parted < 1.5
    talk = await takes(pbx, Talk(caller, call, anna, incoming))
    following = number()
    await comes(pbx, slow, following)
    await parts(talk)
    await answers(anna, following, within=0.5)


async def is_ended_by_hand(pbx: Pbx) -> None:
    """By SQL, and by *47: the caller who waits does not wait for the end of it."""
    (anna,) = await pbx.phones(1)
    at = await entry(pbx, await queue(pbx, anna, wrap_up_time_seconds=600))
    for by_code in (False, True):
        await parts(await connected(pbx, at, (anna,)))
        await becomes(pbx, anna, "wrap_up")
        caller = number()
        call = await comes(pbx, at, caller)
        if by_code:
            code = await anna.invite("*47")
            await code.answered()
            await speaks(code)
            await code.hangup()
        else:
            await wants(pbx, anna, "available")
        _, incoming = await rung((anna,), caller, SOON[by_code])
        await call.hangup()
        await incoming.ended()
        await becomes(pbx, anna, "available")


async def test_wrap_up(pbx: Pbx) -> None:
    await together(pbx, holds_everywhere, is_ended_by_hand)


async def test_the_longest_wrap_up(pbx: Pbx) -> None:
    """However long a row says: `queues.longest_wrap_up_seconds`."""
    await setting(pbx, "queues.longest_wrap_up_seconds", LONGEST)
    (anna,) = await pbx.phones(1)
    at = await entry(pbx, await queue(pbx, anna, wrap_up_time_seconds=600))
    await parts(await connected(pbx, at, (anna,)))
    caller, loop = number(), asyncio.get_running_loop()
    parted = loop.time()
    await comes(pbx, at, caller)
    await rung((anna,), caller)
    assert LONGEST - 0.3 < loop.time() - parted < LONGEST + 0.8


# several queues


async def heavier_queue(pbx: Pbx) -> None:
    """A second there counts ten times; a higher priority counts before all waiting."""
    (anna,) = await pbx.phones(1)
    lines = await two_queues(pbx, anna, {"weight": 1}, {"weight": 10})
    light, heavy = await ways_to(pbx, *lines)
    vip = Entry(light.carrier, await did(pbx, lines[0], queue_priority=1))
    talk = await connected(pbx, light, (anna,))
    first, second, third = (number() for _ in range(3))
    calls = {
        caller: await comes(pbx, way, caller)
        for caller, way in ((first, light), (second, heavy), (third, vip))
    }
    for caller in (third, second, first):
        await parts(talk)
        talk = await takes(pbx, Talk(caller, calls[caller], *await rung((anna,), caller)))


async def leaves_while_he_talks(pbx: Pbx) -> None:
    """Who is taken out of a queue ends his call, and has no other of it."""
    anna, ben = await pbx.phones(2)
    line = await queue(pbx)
    of_anna = await member(pbx, line, anna)
    await member(pbx, line, ben, penalty=1)
    at = await entry(pbx, line)
    talk = await connected(pbx, at, (anna,))
    await pbx.db.execute("DELETE FROM queue_members WHERE id = $1", of_anna)
    await pbx.settled()
    await hear_each_other(talk.call, talk.incoming)
    await parts(talk)
    talk = await connected(pbx, at, (ben,))
    await parts(talk)
    assert len(offers(anna)) == 1


# what the rows say


async def states(pbx: Pbx, agent: RawPhone, *lines: Line) -> list[tuple[str, str | None]]:
    """Return status and reason everywhere, and in each of the queues."""
    rows: list[asyncpg.Record] = await pbx.db.fetch(
        "SELECT queue_id, status, reason_code FROM agent_states WHERE extension_id = $1",
        identity(pbx, agent),
    )
    found = {row["queue_id"]: (row["status"], row["reason_code"]) for row in rows}
    return [found[line.id if line else None] for line in (None, *lines)]


async def wanted_and_done(pbx: Pbx) -> None:
    """What happens comes before what is wanted everywhere, and that before what is wanted here."""
    (anna,) = await pbx.phones(1)
    wrap_up = {"wrap_up_time_seconds": 1}
    lines = here, there = await two_queues(pbx, anna, wrap_up, wrap_up)
    to_here, to_there = await ways_to(pbx, *lines)
    assert await states(pbx, anna, *lines) == [("available", None)] * 3
    await wants(pbx, anna, "break", "training", here)
    training = [("available", None), ("break", "training"), ("available", None)]
    assert await states(pbx, anna, *lines) == training
    waits = number()
    waiting = await comes(pbx, to_here, waits)
    talk = await connected(pbx, to_there, (anna,))
    await becomes(pbx, anna, "busy")
    await wants(pbx, anna, "break", "lunch")
    await pbx.db.execute(
        "UPDATE agent_states SET status = 'available' WHERE extension_id = $1 AND queue_id = $2",
        identity(pbx, anna),
        there.id,
    )
    assert await states(pbx, anna, *lines) == [("busy", None)] * 3
    await hear_each_other(talk.call, talk.incoming)
    await parts(talk)
    await becomes(pbx, anna, "wrap_up")
    assert await states(pbx, anna, *lines) == [("wrap_up", None)] * 3
    await becomes(pbx, anna, "break")
    assert await states(pbx, anna, *lines) == [("break", "lunch")] * 3
    await wants(pbx, anna, "offline", "home")
    assert await states(pbx, anna, *lines) == [("offline", "home")] * 3
    await wants(pbx, anna, "available")
    assert await states(pbx, anna, *lines) == training
    assert len(offers(anna)) == 1
    await wants(pbx, anna, "available", line=here)
    await answers(anna, waits)
    await becomes(pbx, anna, "busy", here)
    await waiting.hangup()
    for state in ("wrap_up", "available"):
        await becomes(pbx, anna, state)
    await adds_up(pbx, anna, ["available", "busy", "wrap_up", "break", "offline", "available"])


async def adds_up(pbx: Pbx, agent: RawPhone, order: list[str]) -> None:
    """The history of the agent begins so and has no gap; its sums are the time that passed."""
    query = """
    SELECT status, from_at, until_at FROM agent_state_changes
    WHERE extension_id = $1 AND queue_id IS NULL ORDER BY id"""
    rows = await pbx.db.fetch(query, identity(pbx, agent))
    assert [row["status"] for row in rows][: len(order)] == order
    assert [row["until_at"] for row in rows] == [*(row["from_at"] for row in rows[1:]), None]
    query = """
    SELECT extract(epoch FROM now() - min(from_at)), (SELECT sum(seconds) FROM agent_time
        WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2)
    FROM agent_state_changes WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2"""
    for queue_id in (None, *await of_agent(pbx, agent)):
        row = await pbx.db.fetchrow(query, identity(pbx, agent), queue_id)
        assert row
        passed, summed = row
        assert abs(passed - summed) < 0.001
    query = """
    SELECT sum(seconds) FROM agent_time
    WHERE extension_id = $1 AND queue_id IS NULL AND status = 'wrap_up'"""
    wrapped = await pbx.db.fetchval(query, identity(pbx, agent))
    assert 1.9 < wrapped < 3.0


async def of_agent(pbx: Pbx, agent: RawPhone) -> list[uuid.UUID]:
    query = "SELECT queue_id FROM queue_members WHERE extension_id = $1"
    return [row["queue_id"] for row in await pbx.db.fetch(query, identity(pbx, agent))]


async def words_that_cannot_be_written(pbx: Pbx) -> None:
    """`busy` and `wrap_up` follow from calls alone."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna)
    await becomes(pbx, anna, "available", line)
    for word in ("busy", "wrap_up"):
        await wants(pbx, anna, word)
        assert await status(pbx, anna) == "available"
    at = await entry(pbx, line)
    await parts(await connected(pbx, at, (anna,)))
    await change(pbx, "queues", line.id, wrap_up_time_seconds=0)


async def test_several_queues_and_states(pbx: Pbx) -> None:
    await together(
        pbx, heavier_queue, leaves_while_he_talks, wanted_and_done, words_that_cannot_be_written
    )
