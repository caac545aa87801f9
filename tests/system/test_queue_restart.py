"""Parts of the exchange die while callers wait, agents ring and people talk: nothing is lost."""

import asyncio
import signal
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from stasis_app.clocks.proof import EVERY_SECONDS
from tests.support.caller import OutgoingCall
from tests.support.until import until

from .conversation import hear_each_other
from .faults import away, killed
from .incoming import number
from .pbx import Pbx
from .queue_crowd import (
    MUSIC,
    Caller,
    add_up,
    adopted,
    are_free,
    crowd,
    go_home,
    hear_music,
    hear_talk,
    invited,
    is_served_in_order,
    longest_break,
    reserve,
    seconds_to_adopt,
    takes,
)
from .queues import (
    Entry,
    Talk,
    comes,
    connected,
    did,
    entry,
    identity,
    member,
    music,
    offers,
    parts,
    queue,
    rung,
    stands,
    visit,
    wants,
)

ADOPTED_SECONDS = 3.0
BREAK_SECONDS = 2.0
OUTAGE_SECONDS = 4.0
HEALED_SECONDS = 2 * EVERY_SECONDS + 5.0
WRAP_UP, RING, LONGEST = 7, 6, 5
EARLY, LATE = timedelta(seconds=0.1), timedelta(seconds=1.5)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "upgraded"])
async def test_an_application_that_ends_loses_no_place(pbx: Pbx, how: signal.Signals) -> None:
    """20 wait, 5 are being offered, 5 talk: all of it goes on, and everyone keeps the place."""
    made = await crowd(pbx, talking=5, offered=5, waiting=20, ring_seconds=60)
    since = asyncio.get_running_loop().time()
    callers = made.callers
    async with away(pbx, "app", how):
        await asyncio.gather(hear_music(made.in_line), hear_talk(made.talks))
        for talk in made.offered[:2]:
            await talk.incoming.answer()
            await talk.incoming.answered()
    seconds = await seconds_to_adopt(pbx, callers)
    await pbx.healthy()
    await have_heard_all(made.in_line[2:], made.talks, since)
    await asyncio.gather(*(hear_each_other(one.call, one.incoming) for one in made.offered[:2]))
    made.talks += made.offered[:2]
    for talk in made.offered[2:]:
        await takes(made, Caller(talk.caller, talk.call), [talk.agent])
    await is_served_in_order(made)
    await go_home(made)
    rows = await add_up(pbx, made, 30)
    assert [row["caller_number"] for row in rows] == callers
    answered = sorted(rows[10:], key=lambda row: row["answered_at"])
    assert [row["caller_number"] for row in answered] == callers[10:]
    assert invited(made) == sorted(callers)
    await are_free(pbx, made)
    assert seconds < ADOPTED_SECONDS


async def have_heard_all(
    waiting: Sequence[OutgoingCall], talks: Sequence[Talk], since: float
) -> None:
    """Music and voices are there, and were all the time."""
    await asyncio.gather(hear_music(waiting), hear_talk(talks))
    breaks = [longest_break(one.ear, since) for one in waiting]
    breaks += [longest_break(one.call.ear, since, 660) for one in talks]
    assert max(breaks) < BREAK_SECONDS


async def test_without_postgres_callers_wait_and_talk(pbx: Pbx) -> None:
    """Who was freed meanwhile is called for the next one when it is back."""
    made = await crowd(pbx, talking=3, offered=1, waiting=4)
    left, leaves, stays = made.talks
    (taken,) = made.offered
    *waiting, gone = made.waiting
    async with away(pbx, "postgres", signal.SIGQUIT):
        await parts(left)
        await leaves.call.hangup()
        await leaves.incoming.ended()
        await gone.call.hangup()
        await taken.incoming.answer()
        await hear_each_other(taken.call, taken.incoming)
        in_line = [one.call for one in waiting]
        await asyncio.gather(
            hear_music(in_line, OUTAGE_SECONDS), hear_talk([stays, taken], OUTAGE_SECONDS)
        )
    await pbx.reconnect()
    made.talks, made.waiting = [stays, taken], waiting
    await takes(made, made.waiting.pop(0), [left.agent, leaves.agent])
    await takes(made, made.waiting.pop(0), [left.agent, leaves.agent])
    await is_served_in_order(made)
    await go_home(made)
    rows = await add_up(pbx, made, 8)
    assert {row["caller_number"] for row in rows if row["left_how"] == "abandoned"} == {gone.number}
    assert sum(row["left_how"] == "answered" for row in rows) == 7
    await are_free(pbx, made)


async def test_a_dead_asterisk_ends_all_of_it_once(pbx: Pbx) -> None:
    """Everyone's call ends with its cause, the agents are free, and new callers are served."""
    made = await crowd(pbx, talking=2, offered=2, waiting=3, wrap_up_time_seconds=1)
    await killed(pbx, "asterisk")
    await pbx.healthy()
    rows = await add_up(pbx, made, 7)
    ends = [(row["left_how"], row["ended_by"] is not None) for row in rows]
    assert ends == 2 * [("answered", True)] + 5 * [("failed", False)]
    causes = await pbx.db.fetch(
        "SELECT hangup_cause FROM cdr WHERE call_id = ANY($1)", [row["call_id"] for row in rows]
    )
    assert {row["hangup_cause"] for row in causes} == {"system_restart"}
    await are_free(pbx, made)
    for agent in made.agents:
        assert (await agent.register()).code == 200
    again = [await connected(pbx, made.at, made.agents) for _ in made.agents]
    await asyncio.gather(*(hear_each_other(one.call, one.incoming) for one in again))
    await asyncio.gather(*(parts(one) for one in again))


async def test_a_reservation_for_nobody_is_found(pbx: Pbx) -> None:
    """An agent whose slot holds a call that does not exist is free again within moments."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna, music_on_hold_id=await music(pbx, MUSIC))
    await reserve(pbx, line, anna, uuid.uuid4())
    at, caller = await entry(pbx, line), number()
    call = await comes(pbx, at, caller)
    await hear_music([call])
    assert offers(anna) == []
    _, incoming = await rung([anna], caller, within=HEALED_SECONDS)
    await incoming.answer()
    await hear_each_other(call, incoming)


async def test_times_count_on(pbx: Pbx) -> None:
    """A phone rings, an agent wraps up, a caller waits: each as long as if nothing had happened."""
    wraps, rings = await pbx.phones(2)
    line = await queue(pbx, wraps, wrap_up_time_seconds=WRAP_UP, ring_seconds=RING)
    at = await entry(pbx, line)
    await parts(await connected(pbx, at, [wraps]))
    await member(pbx, line, rings)
    offered, waiting = number(), number()
    call = await comes(pbx, at, offered)
    _, ringing = await rung([rings], offered)
    ringing.ring()
    empty = await queue(pbx, max_wait_time_seconds=LONGEST)
    await comes(pbx, Entry(at.carrier, await did(pbx, empty)), waiting)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await until(lambda: loop.time() - began > 2.0, 3.0, "a part of it to be over")
    await killed(pbx, "app")
    back = await adopted(pbx, [offered, waiting])
    _, incoming = await rung([wraps], offered, within=15.0)
    await incoming.answer()
    await hear_each_other(call, incoming)
    [wrapped] = await pbx.db.fetch(
        "SELECT * FROM agent_state_changes WHERE extension_id = $1 AND queue_id IS NULL"
        " AND status = 'wrap_up'",
        identity(pbx, wraps),
    )
    on_time(wrapped["until_at"], wrapped["from_at"], WRAP_UP, back)
    asked = await pbx.db.fetchval(
        "SELECT last_offered_at FROM agent_states WHERE extension_id = $1 AND queue_id = $2",
        identity(pbx, rings),
        line.id,
    )
    on_time(await happened(pbx, offered, "RINGNOANSWER"), asked, RING, back)
    left = await visit(pbx, waiting)
    assert left["left_how"] == "timeout"
    on_time(left["left_at"], left["entered_at"], LONGEST, back)


def on_time(at: datetime, since: datetime, seconds: float, back: datetime) -> None:
    """What was due while nobody was there is done as soon as somebody is."""
    due = since + timedelta(seconds=seconds)
    assert due - EARLY <= at <= max(due, back) + LATE, (since, at, back)


async def happened(pbx: Pbx, caller: str, event: str) -> datetime:
    """When something happened in the timeline of a call that is under way."""
    query = (
        "SELECT event.at FROM call_events AS event JOIN calls ON calls.id = event.call_id"
        " WHERE caller_number = $1 AND event = $2"
    )
    at: datetime = await until(lambda: pbx.db.fetchval(query, caller, event), 5.0, event)
    return at


async def test_who_goes_while_nobody_watches_is_missed_by_nobody(pbx: Pbx) -> None:
    """Agents wrap up and are free, whoever has hung up; the next in line are served."""
    made = await crowd(pbx, talking=3, offered=2, waiting=3, wrap_up_time_seconds=1)
    left, leaves, stays = made.talks
    lost, declined = made.offered
    gone, *_ = made.waiting
    async with away(pbx, "app"):
        await left.incoming.hangup()
        await leaves.call.hangup()
        await lost.call.hangup()
        declined.incoming.reject()
        await gone.call.hangup()
    await asyncio.gather(left.call.ended(), leaves.incoming.ended(), lost.incoming.ended())
    made.waiting = [Caller(declined.caller, declined.call), *made.waiting[1:]]
    made.talks = [stays]
    free = [one for one in made.agents if one is not stays.agent]
    for caller in tuple(made.waiting):
        talk = await takes(made, caller, free)
        free.remove(talk.agent)
    await asyncio.gather(*(hear_each_other(one.call, one.incoming) for one in made.talks))
    await go_home(made)
    rows = {row["caller_number"]: row for row in await add_up(pbx, made, 8)}
    ends = {caller: (row["left_how"], row["ended_by"]) for caller, row in rows.items()}
    assert ends == {
        left.caller: ("answered", "agent"),
        leaves.caller: ("answered", "caller"),
        lost.caller: ("abandoned", None),
        gone.number: ("abandoned", None),
        **{one.caller: ("answered", "agent") for one in made.talks},
    }
    await are_free(pbx, made)


async def test_a_reservation_that_nobody_uses_any_more_is_given_up(pbx: Pbx) -> None:
    """The process that made it has died before it called the agent."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna)
    at, caller = await entry(pbx, line), number()
    await wants(pbx, anna, "break")
    call = await comes(pbx, at, caller)
    row = await stands(pbx, caller)
    async with away(pbx, "app"):
        await reserve(pbx, line, anna, row["call_id"])
        await pbx.db.execute(
            "UPDATE agent_states SET wanted = 'available' WHERE extension_id = $1",
            identity(pbx, anna),
        )
    _, incoming = await rung([anna], caller, within=10.0)
    await incoming.answer()
    await hear_each_other(call, incoming)
