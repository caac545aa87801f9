"""Agents who do not take a call: they rest, and the caller goes to others at the same place."""

import asyncio

import asyncpg

from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other, talk
from .incoming import number
from .pbx import Pbx
from .queues import (
    becomes,
    comes,
    connected,
    entry,
    identity,
    joins,
    member,
    music,
    offers,
    parts,
    queue,
    rung,
    serve,
    short_rests,
    status,
    told,
    visit,
    wants,
)
from .voicemail import hears, prompt, together

MUSIC, PROMPT = 450.0, 900.0
REST = 1.0
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


async def missed(pbx: Pbx, caller: str) -> list[tuple[str, str]]:
    """Return which agents a caller was offered to in vain, and why, when the call is over."""
    cdr = await pbx.cdr(caller)
    misses = await told(pbx, cdr["call_id"], "RINGNOANSWER")
    return [(miss["agent"], miss["cause"]) for miss in misses]


async def slot(pbx: Pbx, agent: RawPhone) -> asyncpg.Record:
    query = "SELECT * FROM agent_slots WHERE extension_id = $1"
    found = await pbx.db.fetchrow(query, identity(pbx, agent))
    assert found
    return found


async def is_not_answered(pbx: Pbx) -> None:
    """After `ring_seconds` it is the next one's turn; the first rests."""
    anna, ben = await pbx.phones(2)
    line = await queue(pbx, anna, ben, ring_seconds=1)
    at = await entry(pbx, line)
    caller, loop = number(), asyncio.get_running_loop()
    call = await comes(pbx, at, caller)
    _, incoming = await rung((anna,), caller)
    incoming.ring()
    since = loop.time()
    _, taken = await rung((ben,), caller)
    assert 0.9 < loop.time() - since < 1.6
    await incoming.ended()
    assert (incoming.is_cancelled, incoming.reason) == (True, "Q.850;cause=16")
    await taken.answer()
    await taken.answered()
    await hear_each_other(call, taken)
    assert ((await slot(pbx, anna))["misses"], await status(pbx, anna)) == (1, "available")
    await call.hangup()
    assert await missed(pbx, caller) == [(anna.number, "no_answer")]
    row = await visit(pbx, caller)
    assert (row["position"], row["left_position"], row["ended_by"]) == (1, 1, "caller")


async def is_refused(pbx: Pbx, code: int, cause: str) -> None:
    """Ben has the call at once; Anna rests, and then has the next."""
    anna, ben = await pbx.phones(2)
    at = await entry(pbx, await queue(pbx, anna, ben))
    first, second = number(), number()
    loop = asyncio.get_running_loop()
    await comes(pbx, at, first)
    _, incoming = await rung((anna,), first)
    incoming.reject(code)
    since = loop.time()
    _, taken = await rung((ben,), first, within=0.5)
    await taken.answer()
    call = await comes(pbx, at, second)
    _, incoming = await rung((anna,), second)
    assert loop.time() - since > REST - 0.1
    await incoming.answer()
    await incoming.answered()
    assert (await slot(pbx, anna))["misses"] == 0
    await call.hangup()
    await taken.hangup()
    assert await missed(pbx, first) == [(anna.number, cause)]
    assert await missed(pbx, second) == []


async def declines(pbx: Pbx) -> None:
    await is_refused(pbx, 603, "rejected")


async def is_busy(pbx: Pbx) -> None:
    await is_refused(pbx, 486, "busy")


async def has_two_phones(pbx: Pbx) -> None:
    """Who declines at one of them, declines; who answers one stops the other."""
    extension = await pbx.extension()
    desk, mobile = [await pbx.phone(extension) for _ in range(2)]
    (ben,) = await pbx.phones(1)
    line = await queue(pbx, desk)
    await member(pbx, line, ben, penalty=1)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    ringing = [(await rung((phone,), caller))[1] for phone in (desk, mobile)]
    ringing[0].reject(603)
    _, taken = await rung((ben,), caller, within=0.5)
    await ringing[1].ended()
    await taken.answer()
    await hear_each_other(call, taken)
    await taken.hangup()
    assert await missed(pbx, caller) == [(desk.number, "rejected")]
    await wants(pbx, ben, "break")
    caller = number()
    call = await comes(pbx, at, caller)
    ringing = [(await rung((phone,), caller))[1] for phone in (desk, mobile)]
    await ringing[1].answer()
    await hear_each_other(call, ringing[1])
    await ringing[0].ended()
    assert ringing[0].reason == ELSEWHERE
    await call.hangup()
    assert await missed(pbx, caller) == []


async def loses_the_caller(pbx: Pbx) -> None:
    """Who hangs up while a phone rings is no miss: the agent is there for the next at once."""
    (anna,) = await pbx.phones(1)
    at = await entry(pbx, await queue(pbx, anna, break_after_misses=1))
    first, second = number(), number()
    call = await comes(pbx, at, first)
    _, incoming = await rung((anna,), first)
    incoming.ring()
    waiting = await comes(pbx, at, second)
    await call.hangup()
    await incoming.ended()
    assert (incoming.is_cancelled, incoming.reason) == (True, "Q.850;cause=16")
    _, incoming = await rung((anna,), second, within=0.5)
    await incoming.answer()
    await hear_each_other(waiting, incoming)
    await waiting.hangup()
    row = await visit(pbx, first)
    assert (row["left_how"], row["left_position"]) == ("abandoned", 1)
    assert await missed(pbx, first) == []
    [abandoned] = await told(pbx, row["call_id"], "ABANDON")
    assert abandoned["original_position"] == 1
    assert (await slot(pbx, anna))["misses"] == 0


async def cannot_ring(pbx: Pbx) -> None:
    """Without a phone, or with do-not-disturb, nobody waits for an agent."""
    anna = await pbx.extension()
    ben, carla = await pbx.phones(2)
    quiet = next(one for one in pbx.extensions if one.number == ben.number)
    await pbx.change(quiet, dnd_enabled=True)
    line = await queue(pbx, ben)
    await pbx.insert("queue_members", queue_id=line.id, extension_id=anna.id)
    await member(pbx, line, carla, penalty=1)
    at = await entry(pbx, line)
    served = await connected(pbx, at, (carla,))
    await hear_each_other(served.call, served.incoming)
    await parts(served)
    assert await missed(pbx, served.caller) == []
    assert not offers(ben)
    query = "SELECT status, reason_code FROM agent_states WHERE extension_id = $1"
    for agent, state in (
        (anna.id, ("offline", "unregistered")),
        (identity(pbx, ben), ("break", "dnd")),
    ):
        rows = await pbx.db.fetch(query, agent)
        assert [tuple(row) for row in rows] == [state, state]
    await pbx.change(quiet, dnd_enabled=False)
    await becomes(pbx, ben, "available")
    phone = await pbx.phone(anna)
    await becomes(pbx, phone, "available", line)


async def misses_too_often(pbx: Pbx) -> None:
    """Then there is a break, until the agent says otherwise; the caller waits on."""
    (anna,) = await pbx.phones(1)
    line = await queue(pbx, anna, ring_seconds=1, break_after_misses=2)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    for _ in range(2):
        incoming = await anna.expect_invite()
        incoming.ring()
        await incoming.ended()
    await becomes(pbx, anna, "break")
    await becomes(pbx, anna, "break", line)
    state = await pbx.db.fetchrow(
        "SELECT * FROM agent_states WHERE extension_id = $1 AND queue_id IS NULL",
        identity(pbx, anna),
    )
    assert state
    assert (state["reason_code"], state["wanted"]) == ("missed", "break")
    rests = "SELECT rests_until < now() FROM agent_slots WHERE extension_id = $1"
    await until(lambda: pbx.db.fetchval(rests, identity(pbx, anna)), what="the end of the rest")
    assert len(offers(anna)) == 2
    await wants(pbx, anna, "available")
    incoming = await serve(call, anna)
    await hear_each_other(call, incoming)
    await incoming.hangup()
    assert await missed(pbx, caller) == [(anna.number, "no_answer")] * 2
    assert (await slot(pbx, anna))["misses"] == 0


async def has_other_calls(pbx: Pbx) -> None:
    """One that is no queue call makes an agent busy, and is no reason for a wrap-up."""
    anna, dora, caller = await pbx.phones(3)
    line = await queue(pbx, anna, wrap_up_time_seconds=600)
    await becomes(pbx, anna, "available", line)
    own, _ = await talk(anna, dora)
    await becomes(pbx, anna, "busy")
    await becomes(pbx, anna, "busy", line)
    call = await joins(pbx, caller, line)
    assert not offers(anna)
    await own.hangup()
    await hear_each_other(call, await serve(call, anna))
    await becomes(pbx, anna, "busy", line)
    await call.hangup()
    await becomes(pbx, anna, "wrap_up")


async def hangs_up_in_the_prompt(pbx: Pbx) -> None:
    """The caller hears music all the time and keeps the place; the next one takes him."""
    anna, ben = await pbx.phones(2)
    tone, told_first = await music(pbx, MUSIC), await prompt(pbx, PROMPT, 1.5, "prompt")
    line = await queue(pbx, anna, ben, music_on_hold_id=tone, agent_prompt_id=told_first)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    await hears(call, MUSIC)
    for agent in (anna, ben):
        _, incoming = await rung((agent,), caller)
        await incoming.answer()
        await hears(incoming, PROMPT)
        await hears(call, MUSIC)
        if agent is anna:
            await incoming.hangup()
            await hears(call, MUSIC)
    await hear_each_other(call, incoming)
    assert not (await slot(pbx, anna))["misses"]
    await call.hangup()
    row = await visit(pbx, caller)
    assert (row["position"], row["left_how"]) == (1, "answered")
    assert row["agent_extension_id"] == identity(pbx, ben)
    assert await missed(pbx, caller) == [(anna.number, "rejected")]


async def is_dead(pbx: Pbx) -> None:
    """A phone that is registered and gives no sign of life holds nobody up for long."""
    anna, ben = await pbx.phones(2)
    at = await entry(pbx, await queue(pbx, anna, ben))
    anna.deaf = True
    caller = number()
    call = await comes(pbx, at, caller)
    _, incoming = await rung((ben,), caller, within=7.0)
    await incoming.answer()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    assert await missed(pbx, caller) == [(anna.number, "unavailable")]
    assert (await slot(pbx, anna))["misses"] == 0


async def test_agents_who_do_not_answer(pbx: Pbx) -> None:
    await short_rests(pbx, REST)
    stories = (is_not_answered, declines, is_busy, misses_too_often)
    await together(pbx, *stories, has_two_phones, loses_the_caller, is_dead)


async def test_agents_who_cannot_be_rung_or_do_not_want_to(pbx: Pbx) -> None:
    await short_rests(pbx, REST)
    await together(pbx, cannot_ring, has_other_calls, hangs_up_in_the_prompt)
