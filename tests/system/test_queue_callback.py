"""Callers of a queue hang up, and are called back when it is their turn."""

import asyncio
import os
import signal
from itertools import count
from typing import Any

import asyncpg

from tests.support.callee import IncomingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .outgoing import Way, phone, way_out
from .outside import setting
from .pbx import Pbx
from .queues import Line, becomes, did, offers, queue, stands, told, wants
from .test_restart import kill_app

# numbers that the regulator keeps for films
CUSTOMERS = (f"+493023125{place:03}" for place in count(100))


async def desk(pbx: Pbx, **columns: Any) -> tuple[Way, RawPhone, Line]:
    """A queue that calls back over a carrier; its agent is on a break."""
    way = await way_out(pbx)
    agent = await phone(pbx)
    line = await queue(pbx, agent, callback_enabled=True, **columns)
    await wants(pbx, agent, "break")
    await becomes(pbx, agent, "break", line)
    return way, agent, line


async def asks(pbx: Pbx, way: Way, line: Line, number: str) -> asyncpg.Record:
    """Call the queue, ask to be called back, and be hung up; return the row."""
    call = await way.carrier.call(await did(pbx, line), caller=number)
    await call.answered()
    await stands(pbx, number)
    await call.press("1")
    await asyncio.sleep(0.5)
    await call.press("1")
    await call.ended(within=15)
    return await in_state(pbx, number, "waiting")


async def in_state(pbx: Pbx, number: str, state: str, within: float = 5.0) -> asyncpg.Record:
    query = "SELECT * FROM queue_callbacks WHERE number = $1 ORDER BY requested_at DESC LIMIT 1"

    async def reached() -> asyncpg.Record | None:
        row = await pbx.db.fetchrow(query, number)
        return row if row and row["state"] == state else None

    return await until(reached, within, f"the callback {state}")


async def is_called(pbx: Pbx, way: Way, agent: RawPhone) -> IncomingCall:
    """Let the agent come back; return how the customer is called."""
    await wants(pbx, agent, "available")
    return await way.carrier.expect_invite()


async def accepts(incoming: IncomingCall, agent: RawPhone) -> IncomingCall:
    """Press the key, and let the agent answer."""
    await incoming.answer()
    await incoming.answered()
    await asyncio.sleep(1)
    assert not offers(agent), "the agent rings when the call is accepted"
    await incoming.press("1")
    offered = await agent.expect_invite()
    await offered.answer()
    await offered.answered()
    return offered


async def both_hear(agent: IncomingCall, customer: IncomingCall) -> None:
    """The exchange has called both."""
    agent.say(440)
    customer.say(660)
    await customer.hears(440)
    await agent.hears(660)


async def cdr_to(pbx: Pbx, number: str, within: float = 5.0) -> asyncpg.Record:
    query = "SELECT * FROM cdr WHERE callee_number = $1 ORDER BY initiated_at DESC"

    async def came() -> asyncpg.Record | None:
        return await pbx.db.fetchrow(query, number)

    return await until(came, within, f"a cdr row of a call to {number}")


async def test_called_back(pbx: Pbx) -> None:
    """From the key to the rows: the place is kept, the agent rings last, and both talk."""
    number = next(CUSTOMERS)
    way, agent, line = await desk(pbx)
    row = await asks(pbx, way, line, number)
    assert (row["queue_id"], row["attempts"], row["call_id"] is None) == (line.id, 0, False)
    incoming = await is_called(pbx, way, agent)
    assert incoming.dialled == number
    reserved = "SELECT call_id, talking_since FROM agent_slots WHERE call_id IS NOT NULL"
    [slot] = await pbx.db.fetch(reserved)
    offered = await accepts(incoming, agent)
    assert offered.caller_number == number
    assert offered.caller_name == f"{line.name}: {number}"
    await both_hear(offered, incoming)
    await becomes(pbx, agent, "busy", line)
    await incoming.hangup()
    await offered.ended()
    await becomes(pbx, agent, "available", line)
    done = await in_state(pbx, number, "done")
    cdr = await cdr_to(pbx, number)
    assert done["last_call_id"] == cdr["call_id"] == slot["call_id"]
    assert (cdr["direction"], cdr["trunk_id"], cdr["queue_id"]) == ("outbound", way.trunk, line.id)
    assert (cdr["caller_number"], cdr["caller_name"]) == (line.number, line.name)
    assert (cdr["agent_extension_id"], cdr["hangup_cause"]) == (
        pbx.extensions[0].id,
        "normal_clearing",
    )
    visits = await pbx.db.fetch(
        "SELECT * FROM queue_calls WHERE caller_number = $1 ORDER BY entered_at", number
    )
    assert [(one["left_how"], one["is_callback"]) for one in visits] == [
        ("callback", False),
        ("answered", True),
    ]
    assert visits[1]["joined_at"] == visits[0]["joined_at"] == row["joined_at"]
    assert visits[1]["ended_by"] == "caller"
    [asked] = await told(pbx, row["call_id"], "callback_requested")
    assert asked["queue"] == line.name


async def test_a_mailbox_picks_up(pbx: Pbx) -> None:
    """It presses no key. The agent has missed nothing, and it is tried once more."""
    number = next(CUSTOMERS)
    await setting(pbx, "queues.callback_retry_seconds", 1)
    way, agent, line = await desk(pbx, callback_tries=2)
    await asks(pbx, way, line, number)
    incoming = await is_called(pbx, way, agent)
    await incoming.answer()
    await incoming.answered()
    incoming.say(440)
    again = await way.carrier.expect_invite(within=45)
    assert incoming.is_over
    again.reject(486)
    row = await in_state(pbx, number, "failed", within=8)
    assert (row["attempts"], row["problem"]) == (2, "busy")
    await becomes(pbx, agent, "available", line)
    assert not offers(agent)
    slot = await pbx.db.fetchrow(
        "SELECT * FROM agent_slots WHERE call_id IS NOT NULL OR misses > 0"
    )
    assert slot is None


async def test_the_app_is_killed_while_it_rings(pbx: Pbx) -> None:
    number = next(CUSTOMERS)
    await setting(pbx, "queues.callback_retry_seconds", 1)
    way, agent, line = await desk(pbx)
    await asks(pbx, way, line, number)
    incoming = await is_called(pbx, way, agent)
    incoming.ring()
    await in_state(pbx, number, "calling")
    await kill_app(pbx)
    await incoming.ended(within=15)
    again = await way.carrier.expect_invite(within=15)
    offered = await accepts(again, agent)
    await both_hear(offered, again)
    await offered.hangup()
    await again.ended()
    assert (await in_state(pbx, number, "done"))["attempts"] == 2


async def test_the_app_is_killed_while_he_is_asked(pbx: Pbx) -> None:
    """The call goes on, and so does the reservation."""
    number = next(CUSTOMERS)
    way, agent, line = await desk(pbx)
    await asks(pbx, way, line, number)
    incoming = await is_called(pbx, way, agent)
    await incoming.answer()
    await incoming.answered()
    await pbx.in_state(line.number, "answered")
    app = pbx.stack["app"]["pid"]
    os.kill(app, signal.SIGKILL)
    await until(lambda: pbx.stack["app"]["pid"] != app, 20.0, "a new app")
    await pbx.healthy()
    await asyncio.sleep(1)
    await incoming.press("1")
    offered = await agent.expect_invite()
    await offered.answer()
    await offered.answered()
    await both_hear(offered, incoming)
    await kill_app(pbx)
    await both_hear(offered, incoming)
    await incoming.hangup()
    await offered.ended()
    assert (await in_state(pbx, number, "done"))["attempts"] == 1
    cdr = await cdr_to(pbx, number)
    assert "adopted" in await pbx.timeline(cdr["call_id"])


async def test_a_phone_is_called_back(pbx: Pbx) -> None:
    """Inside the house: at the extension, and the display shows the queue."""
    agent, anna = await phone(pbx), await phone(pbx, display_name="Anna")
    line = await queue(pbx, agent, callback_enabled=True)
    await wants(pbx, agent, "break")
    call = await anna.invite(line.number)
    await call.answered()
    await stands(pbx, anna.number)
    await call.press("1")
    await asyncio.sleep(0.5)
    await call.press("1")
    await call.ended(within=15)
    await in_state(pbx, anna.number, "waiting")
    await wants(pbx, agent, "available")
    incoming = await anna.expect_invite()
    assert (incoming.caller_number, incoming.caller_name) == (line.number, line.name)
    offered = await accepts(incoming, agent)
    assert offered.caller_name == f"{line.name}: Anna"
    await both_hear(offered, incoming)
    await offered.hangup()
    await incoming.ended()
    await in_state(pbx, anna.number, "done")


async def test_a_number_abroad_is_not_called_back(pbx: Pbx) -> None:
    """The number is no proof of who calls. The key does nothing."""
    way, agent, line = await desk(pbx)
    call = await way.carrier.call(await did(pbx, line), caller="+442079460018")
    await call.answered()
    await stands(pbx, "+442079460018")
    await call.press("11")
    await asyncio.sleep(1)
    await wants(pbx, agent, "available")
    offered = await agent.expect_invite()
    await offered.answer()
    await offered.answered()
    await hear_each_other(call, offered)
    await call.hangup()
    await offered.ended()
    assert not await pbx.db.fetchval(
        "SELECT count(*) FROM queue_callbacks WHERE queue_id = $1", line.id
    )
