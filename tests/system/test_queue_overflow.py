"""Callers whom a queue does not serve: why not, what they hear, and where they go."""

import asyncio
from typing import Any

import asyncpg

from tests.support import tones
from tests.support.carrier import Carrier

from .conversation import hear_each_other
from .incoming import number
from .menus import SUB, option, presses, said, taken, tone
from .menus import menu as new_menu
from .outgoing import ABROAD, forwarding, way_out
from .outside import change
from .pbx import Pbx
from .queues import (
    comes,
    connected,
    entry,
    identity,
    joins,
    music,
    offers,
    parts,
    queue,
    rung,
    told,
    visit,
    wants,
)
from .voicemail import (
    beep,
    content,
    hears,
    holds,
    mailbox,
    message,
    sentences,
    short,
    tells,
    together,
)

MUSIC, LEFT = 450.0, 500.0
RATE, LEVEL = 8000, -20.0
AT_HOME: dict[str, Any] = {"allow_international": False, "allow_mobile": False}
TO_NOBODY = "en/vm-nobodyavail"


async def left(pbx: Pbx, caller: str, how: str, event: str) -> dict[str, Any]:
    """Return what the timeline says of a caller's leaving, and check it against the row."""
    row = await visit(pbx, caller)
    assert (row["left_how"], row["answered_at"]) == (how, None)
    [moment] = await told(pbx, row["call_id"], event)
    if event == "FULL":
        assert row["position"] is None
        assert moment == {"queue": moment["queue"], "reason": how}
    else:
        waited = (row["left_at"] - row["entered_at"]).total_seconds()
        assert abs(moment["wait"] - waited) < 0.002
        assert (moment["position"], moment["original_position"]) == (
            row["left_position"],
            row["position"],
        )
    return moment


async def ends_with(pbx: Pbx, caller: str, cause: str, sentence: str) -> asyncpg.Record:
    """Check how the call of a caller has ended who was told so."""
    cdr = await pbx.cdr(caller)
    assert (cdr["hangup_cause"], await sentences(pbx, cdr)) == (cause, [sentence])
    return cdr


# not let in


async def finds_it_full(pbx: Pbx) -> None:
    """A word before the answer, then 486; the place that gets free is the next one's."""
    anna, ben = await pbx.phones(2)
    line = await queue(pbx, max_queue_size=1)
    first = await joins(pbx, anna, line)
    call = await ben.invite(line.number)
    await call.early_media()
    await said(pbx, ben.number, TO_NOBODY)
    assert (await call.final(10.0)).code == 486
    await left(pbx, ben.number, "full", "FULL")
    cdr = await ends_with(pbx, ben.number, "busy", "agents_busy")
    assert (cdr["answered_at"], cdr["queue_id"]) == (None, line.id)
    await first.hangup()
    await visit(pbx, anna.number)
    again = await joins(pbx, ben, line)
    await again.hangup()
    await visit(pbx, ben.number)
    query = (
        "SELECT position, left_how FROM queue_calls WHERE caller_number = $1 ORDER BY entered_at"
    )
    rows = await pbx.db.fetch(query, ben.number)
    assert [tuple(row) for row in rows] == [(None, "full"), (1, "abandoned")]


async def finds_it_paused(pbx: Pbx) -> None:
    """A menu answers instead. Who waits already is served."""
    anna, ben = await pbx.phones(2)
    menu = await new_menu(pbx, welcome_prompt_id=await tone(pbx, SUB))
    await option(pbx, menu, "1", "extension", identity(pbx, ben))
    line = await queue(pbx, anna, overflow_action="ivr", overflow_destination_id=menu)
    at = await entry(pbx, line)
    talk = await connected(pbx, at, (anna,))
    waiting, late = number(), number()
    call = await comes(pbx, at, waiting)
    await change(pbx, "queues", line.id, status="paused")
    led_on = await at.carrier.call(at.did, caller=late)
    await led_on.answered()
    await hears(led_on, SUB)
    await led_on.press("1")
    incoming = await taken(ben)
    await hear_each_other(led_on, incoming)
    await parts(talk)
    _, served = await rung((anna,), waiting)
    await served.answer()
    await hear_each_other(call, served)
    await led_on.hangup()
    await left(pbx, late, "closed", "FULL")
    assert (await pbx.cdr(late))["hangup_cause"] == "normal_clearing"


async def finds_nobody(pbx: Pbx, way: Carrier) -> None:
    """A number outside, which the row may call, whoever the caller is."""
    anna, caller = await pbx.phones(1), await pbx.phone(await pbx.extension(**AT_HOME))
    row = {"overflow_action": "external", "overflow_destination_number": ABROAD}
    line = await queue(pbx, *anna, when_empty="leave", **row)
    await wants(pbx, anna[0], "offline", "home")
    call = await caller.invite(line.number)
    incoming = await taken(way)
    assert incoming.dialled == ABROAD
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()
    await left(pbx, caller.number, "empty", "FULL")
    cdr = await pbx.cdr(caller.number)
    [forwarded] = await told(pbx, cdr["call_id"], "forwarded")
    assert (forwarded["number"], forwarded["reason"]) == (f"queue {line.name}", "empty")
    assert not offers(anna[0])


async def finds_nobody_and_no_way(pbx: Pbx) -> None:
    """Without an agent, and with an overflow that leads nowhere: a word, then 480."""
    caller, line = (await pbx.phones(1))[0], await queue(pbx, when_empty="leave")
    call = await caller.invite(line.number)
    await said(pbx, caller.number, TO_NOBODY)
    assert (await call.final(10.0)).code == 480
    await left(pbx, caller.number, "empty", "FULL")
    await ends_with(pbx, caller.number, "unavailable", "queue_closed")


async def test_callers_who_are_not_let_in(pbx: Pbx) -> None:
    way = await way_out(pbx)

    async def nobody(pbx: Pbx) -> None:
        await finds_nobody(pbx, way.carrier)

    await together(pbx, finds_it_full, finds_it_paused, nobody, finds_nobody_and_no_way)
    assert len(way.invites) == 1


# leaving


async def waits_too_long(pbx: Pbx) -> None:
    """A mailbox takes a message; the phone of the agent stops."""
    (anna,) = await pbx.phones(1)
    carla = await mailbox(pbx, box={"greeting_prompt_id": await tone(pbx, SUB)})
    row = {"overflow_action": "voicemail", "overflow_destination_number": carla.number}
    line = await queue(pbx, anna, max_wait_time_seconds=1, **row)
    at = await entry(pbx, line)
    talk = await connected(pbx, at, (anna,))
    caller = number()
    call = await comes(pbx, at, caller)
    await presses(call, SUB, "#")
    await beep(call)
    await tells(call, LEFT)
    await call.hangup()
    await parts(talk)
    moment = await left(pbx, caller, "timeout", "EXITWITHTIMEOUT")
    assert 0.99 < moment["wait"] < 1.5
    found = await message(pbx, carla)
    assert found["caller_number"] == caller
    holds(await content(pbx, found["storage_path"]), LEFT)


async def is_told_so(pbx: Pbx) -> None:
    """Without an overflow there is a sentence, and the end; the music has stopped."""
    tone = await music(pbx, MUSIC)
    line = await queue(pbx, max_wait_time_seconds=2, music_on_hold_id=tone)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    await hears(call, MUSIC)
    await said(pbx, caller, TO_NOBODY)
    await call.ended(10.0)
    assert (call.bye, call.reason) == ("remote", "Q.850;cause=19")
    assert tones.level_at(call.heard[-RATE:], RATE, MUSIC) < LEVEL
    await left(pbx, caller, "timeout", "EXITWITHTIMEOUT")
    await ends_with(pbx, caller, "no_answer", "agents_busy")


async def presses_the_exit_key(pbx: Pbx) -> None:
    """Also while the agent's phone rings, who has missed nothing then. Other keys mean nothing."""
    anna, ben = await pbx.phones(2)
    tone = await music(pbx, MUSIC)
    leads_to = {"exit_destination_type": "extension", "exit_destination_id": identity(pbx, ben)}
    line = await queue(pbx, anna, music_on_hold_id=tone, exit_key="9", **leads_to)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    _, incoming = await rung((anna,), caller)
    incoming.ring()
    await hears(call, MUSIC)
    await call.press("1")
    await hears(call, MUSIC)
    assert not incoming.is_over
    await call.press("9")
    served = await taken(ben)
    await incoming.ended()
    assert incoming.reason == "Q.850;cause=16"
    await hear_each_other(call, served)
    await served.hangup()
    moment = await left(pbx, caller, "key", "EXITWITHKEY")
    assert moment["key"] == "9"
    cdr = await pbx.cdr(caller)
    assert len(await told(pbx, cdr["call_id"], "RINGCANCELED")) == 1


async def presses_it_for_another_queue(pbx: Pbx) -> None:
    """The caller waits anew there; both visits have their row."""
    (anna,) = await pbx.phones(1)
    other = await queue(pbx, anna)
    leads_to = {"exit_destination_type": "queue", "exit_destination_id": other.id}
    line = await queue(pbx, exit_key="*", **leads_to)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    await call.press("*")
    _, incoming = await rung((anna,), caller)
    assert incoming.caller_name == f"{other.name}: {caller}"
    await incoming.answer()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    cdr = await pbx.cdr(caller)
    assert cdr["queue_id"] == other.id
    query = "SELECT queue_id, left_how FROM queue_calls WHERE call_id = $1 ORDER BY entered_at"
    rows = await pbx.db.fetch(query, cdr["call_id"])
    assert [tuple(row) for row in rows] == [(line.id, "key"), (other.id, "answered")]


async def presses_it_for_an_expensive_way(pbx: Pbx) -> None:
    """The key leads to somebody who may not be forwarded there: nobody pays."""
    poor = await forwarding(pbx, ABROAD, **AT_HOME)
    leads_to = {"exit_destination_type": "extension", "exit_destination_number": poor.number}
    line = await queue(pbx, exit_key="#", **leads_to)
    at = await entry(pbx, line)
    caller = number()
    call = await comes(pbx, at, caller)
    await call.press("#")
    await said(pbx, caller, "en/cannot-complete-as-dialed")
    await call.ended(10.0)
    assert (await pbx.cdr(caller))["hangup_cause"] == "forbidden"


async def is_left_alone(pbx: Pbx) -> None:
    """A break is no logout. With the last logout all go who wait, also who is being told."""
    anna, ben = await pbx.phones(2)
    tone = await music(pbx, MUSIC)
    line = await queue(pbx, anna, ben, when_empty="leave", music_on_hold_id=tone)
    at = await entry(pbx, line)
    for agent in (anna, ben):
        await wants(pbx, agent, "break", "lunch")
    callers = [number() for _ in range(2)]
    calls = [await comes(pbx, at, caller) for caller in callers]
    await wants(pbx, anna, "offline")
    await asyncio.gather(*(hears(call, MUSIC) for call in calls))
    await wants(pbx, ben, "offline", line=line)
    for call in calls:
        await call.ended(10.0)
    for place, caller in enumerate(callers, 1):
        moment = await left(pbx, caller, "empty", "EXITEMPTY")
        assert moment["original_position"] == place
        await ends_with(pbx, caller, "no_answer", "agents_busy")
    assert not offers(anna) + offers(ben)


async def is_switched_off(pbx: Pbx) -> None:
    """Who waits goes where the overflow leads, and nobody gets in any more."""
    anna, ben = await pbx.phones(2)
    line = await queue(pbx)
    call = await joins(pbx, anna, line)
    await change(pbx, "queues", line.id, status="inactive")
    await call.ended(10.0)
    await left(pbx, anna.number, "closed", "EXITEMPTY")
    answer = await (await ben.invite(line.number)).final()
    assert answer.code == 404


async def test_callers_who_leave(pbx: Pbx) -> None:
    await short(pbx)
    way = await way_out(pbx)
    await together(
        pbx,
        waits_too_long,
        is_told_so,
        presses_the_exit_key,
        presses_it_for_another_queue,
        presses_it_for_an_expensive_way,
        is_left_alone,
        is_switched_off,
    )
    assert not way.invites
