"""Callers in a queue: how they come, and what they hear."""

import asyncio
import uuid
from typing import Any

from tests.support import tones
from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.until import until

from .conversation import hear_each_other
from .incoming import number
from .menus import SUB, leads_to, option, presses, tone
from .menus import menu as new_menu
from .outgoing import forwarding
from .pbx import Pbx
from .queues import (
    Entry,
    Line,
    Talk,
    comes,
    connected,
    did,
    entry,
    last_visit,
    member,
    music,
    offers,
    parts,
    queue,
    rung,
    stands,
    told,
    visit,
    wants,
)
from .voicemail import hears, speaks, together

MUSIC, WELCOME = 450.0, 750.0
ABOVE_SPEECH = 3300.0
INTERVAL = 6
TELLS = {
    "position_announcement_enabled": True,
    "wait_announcement_enabled": True,
    "position_announcement_interval_seconds": INTERVAL,
}


# how they come


async def by_number(pbx: Pbx) -> None:
    """The rule gives a priority and skills, which only one agent has."""
    anna, ben = await pbx.phones(2)
    line = await queue(pbx, anna, priority=3)
    await member(pbx, line, ben, penalty=9, skills=["english", "billing"])
    skilled = {"queue_priority": 7, "queue_skills": ["billing", "english"]}
    at = await entry(pbx, line, **skilled)
    talk = await connected(pbx, at, (ben,))
    plain = await connected(pbx, Entry(at.carrier, await did(pbx, line)), (anna,))
    for one in (talk, plain):
        await hear_each_other(one.call, one.incoming)
        await parts(one)
    rows = [await visit(pbx, one.caller) for one in (talk, plain)]
    assert [row["priority"] for row in rows] == [7, 3]
    assert [row["skills"] for row in rows] == [["billing", "english"], []]
    assert [len(offers(agent)) for agent in (anna, ben)] == [1, 1]


async def by_menu(pbx: Pbx) -> None:
    """What the key says counts, and what the rule before it says where the key says nothing."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx)
    await member(pbx, line, anna, skills=["french", "sales"])
    menu = await new_menu(pbx, welcome_prompt_id=await tone(pbx, SUB), digit_timeout_seconds=10)
    await option(pbx, menu, "1", "queue", line.id)
    await option(pbx, menu, "2", "queue", line.id, queue_skills=["sales"], queue_priority=9)
    by_rule = {"queue_priority": 4, "queue_skills": ["french"]}
    number_of_it = await leads_to(pbx, menu, **by_rule)
    at = await entry(pbx, line)
    for key, priority, skills in (("1", 4, ["french"]), ("2", 9, ["sales"])):
        caller = number()
        call = await at.carrier.call(number_of_it, caller=caller)
        await call.answered()
        await presses(call, SUB, key)
        await serve_and_part(pbx, Talk(caller, call, *await rung((anna,), caller)))
        row = await visit(pbx, caller)
        assert (row["priority"], row["skills"]) == (priority, skills)


async def from_inside(pbx: Pbx) -> None:
    """By the queue's number, and by the forward of an extension; the display shows who calls."""
    anna, caller = await pbx.phones(2)
    line = await queue(pbx, anna)
    forwarded = await forwarding(pbx, line.number)
    for dialled in (line.number, forwarded.number):
        call = await caller.invite(dialled)
        agent, incoming = await rung((anna,), caller.number)
        assert incoming.caller_name == f"{line.name}: {caller.number}"
        await serve_and_part(pbx, Talk(caller.number, call, agent, incoming))
        cdr = await pbx.cdr(caller.number)
        assert (cdr["queue_id"], cdr["direction"]) == (line.id, "internal")


async def serve_and_part(pbx: Pbx, talk: Talk) -> None:
    await talk.incoming.answer()
    await talk.incoming.answered()
    await talk.call.answered()
    await hear_each_other(talk.call, talk.incoming)
    await talk.call.hangup()
    await talk.incoming.ended()
    assert (await visit(pbx, talk.caller))["ended_by"] == "caller"


async def withheld(pbx: Pbx) -> None:
    """The agent is shown that, and has the caller."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna)
    at = await entry(pbx, line)
    call = await at.carrier.call(at.did, caller="anonymous", privacy="id")
    incoming = await anna.expect_invite()
    shown = (incoming.caller_name, incoming.caller_number)
    assert shown == (f"{line.name}: anonymous", "anonymous")
    await incoming.answer()
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()


async def test_ways_into_a_queue(pbx: Pbx) -> None:
    await together(pbx, by_number, by_menu, from_inside, withheld)


# what they hear


async def welcome_and_music(pbx: Pbx) -> None:
    """The welcome once, to its end, then music, which goes on; then the agent alone."""
    (anna,) = await pbx.phones(1)
    hears_first = {
        "welcome_prompt_id": await tone(pbx, WELCOME, 1.5),
        "music_on_hold_id": await music(pbx, MUSIC),
    }
    line = await queue(pbx, anna, **hears_first)
    await wants(pbx, anna, "break")
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    await hears(call, WELCOME)
    await hears(call, MUSIC)
    await hears(call, MUSIC)
    await wants(pbx, anna, "available")
    _, incoming = await rung((anna,), caller)
    await hears(call, MUSIC)
    await incoming.answer()
    await call.hears_nothing(0.3)
    await hear_each_other(call, incoming)
    assert alone(call, 660)


def alone(call: OutgoingCall, hz: float) -> bool:
    """Whether nothing else is heard now."""
    pcm = call.ear.recent(0.3)
    return tones.level_at(pcm, call.ear.rate, hz) > tones.level(pcm) - 1


async def agents_ring_in_the_welcome(pbx: Pbx) -> None:
    """An answer ends it at once."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna, welcome_prompt_id=await tone(pbx, WELCOME, 20.0))
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    _, incoming = await rung((anna,), caller)
    incoming.ring()
    await hears(call, WELCOME)
    await answers_at_once(call, incoming)


async def places(pbx: Pbx) -> None:
    """The place and the wait are told at once. An answer cuts them short."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna, **TELLS, music_on_hold_id=await music(pbx, MUSIC))
    at = await entry(pbx, line)
    await learnt(pbx, line, at.did)
    talk = await connected(pbx, at, (anna,))
    first, second = number(), number()
    calls = [await comes(pbx, at, caller) for caller in (first, second)]
    await asyncio.gather(*(speaks(call) for call in calls))
    await parts(talk)
    _, incoming = await rung((anna,), first)
    await speaks(calls[0])
    await answers_at_once(calls[0], incoming)
    for place, caller in enumerate((first, second), 1):
        row = await last_visit(pbx, caller)
        [word] = await told(pbx, row["call_id"], "position_told")
        assert word == {"position": place, "minutes": place + 1}


async def again_and_again(pbx: Pbx) -> None:
    """After the interval it is told again; there is music between."""
    (anna,) = await pbx.phones(1)
    columns = {**TELLS, "position_announcement_enabled": False}
    line = await queue(pbx, anna, **columns, music_on_hold_id=await music(pbx, MUSIC))
    at = await entry(pbx, line)
    await learnt(pbx, line, at.did)
    await wants(pbx, anna, "break")
    caller = number()
    call = await comes(pbx, at, caller)
    row = await stands(pbx, caller)
    await speaks(call)
    await hears(call, MUSIC)
    times = await until(lambda: twice(pbx, row["call_id"]), 2 * INTERVAL, "a second word")
    assert abs((times[1] - times[0]).total_seconds() - INTERVAL) < 0.5
    assert (times[0] - row["entered_at"]).total_seconds() < 1.0
    await wants(pbx, anna, "available")
    _, incoming = await rung((anna,), caller)
    await speaks(call)
    await answers_at_once(call, incoming)
    words = await told(pbx, row["call_id"], "position_told")
    assert words == [{"position": None, "minutes": 2}] * 2


async def music_comes_back(pbx: Pbx) -> None:
    """Behind each announcement; the tone is one that no voice has."""
    (anna,) = await pbx.phones(1)
    tone = await music(pbx, ABOVE_SPEECH)
    columns = {**TELLS, "position_announcement_interval_seconds": 2 * INTERVAL}
    line = await queue(pbx, anna, **columns, music_on_hold_id=tone)
    await wants(pbx, anna, "break")
    call = await comes(pbx, await entry(pbx, line), number())
    for _ in range(2):
        await speaks(call, within=2 * INTERVAL)
        await hears(call, ABOVE_SPEECH, within=2 * INTERVAL, lasting=1.5)
    await call.hangup()


async def answers_at_once(call: OutgoingCall, incoming: IncomingCall) -> None:
    """The agent answers, and the caller hears nobody else from that moment on."""
    loop = asyncio.get_running_loop()
    await incoming.answer()
    incoming.say(660)
    answered = loop.time()
    await hears(call, 660, lasting=0.1)
    assert loop.time() - answered < 0.6
    await hear_each_other(call, incoming)
    assert alone(call, 660)


async def twice(pbx: Pbx, call: uuid.UUID) -> list[Any]:
    query = "SELECT at FROM call_events WHERE call_id = $1 AND event = 'position_told' ORDER BY seq"
    rows = [row["at"] for row in await pbx.db.fetch(query, call)]
    return rows if len(rows) > 1 else []


async def learnt(pbx: Pbx, line: Line, caller: str) -> None:
    """Have calls been answered: a place took a minute and a half."""
    for place in range(1, 7):
        await pbx.db.execute(
            "INSERT INTO queue_calls (id, call_id, queue_id, caller_number, joined_at, entered_at,"
            " position, answered_at, left_at, left_how, ended_at) SELECT $1, $1, $2, $3, since,"
            " since, $4, until, until, 'answered', until FROM (SELECT now() - interval '1 hour',"
            " now() - interval '1 hour' + $4 * interval '90 seconds') AS old(since, until)",
            uuid.uuid4(),
            line.id,
            caller,
            place,
        )


async def test_what_is_heard_while_waiting(pbx: Pbx) -> None:
    stories = (welcome_and_music, agents_ring_in_the_welcome, places, again_and_again)
    await together(pbx, *stories, music_comes_back)
