"""Agents log in and out, take breaks and end their wrap-up by phone; lamps show it."""

import asyncio
import uuid
from datetime import UTC, datetime
from itertools import groupby

import asyncpg

from tests.support import tones
from tests.support.caller import OutgoingCall
from tests.support.lamp import Lamp
from tests.support.sip import RawPhone
from tests.support.until import until

from .outside import setting
from .pbx import Pbx
from .queues import Line, becomes, identity, joins, queue, serve, told
from .voicemail import Mailbox, mailbox, sentences, together

PIN, WRONG = "13572468", "24681357"
DARK, LIT = "terminated", "confirmed"


async def dials(pbx: Pbx, phone: RawPhone, code: str, sentence: str, keys: str = "") -> uuid.UUID:
    """Dial a code and hear what it has done, to the end; return the id of the call."""
    began = datetime.now(UTC)
    call = await phone.invite(code)
    await call.answered()
    if keys:
        await call.press(keys)
    await call.ended(within=15.0)
    assert not tones.is_silent(call.heard)
    cdr = await cdr_since(pbx, phone, began)
    assert (await sentences(pbx, cdr))[-1] == sentence
    identity: uuid.UUID = cdr["call_id"]
    return identity


async def cdr_since(pbx: Pbx, phone: RawPhone, began: datetime) -> asyncpg.Record:
    """Wait for the `cdr` row of a call that the phone has made since then."""
    query = "SELECT * FROM cdr WHERE caller_number = $1 AND initiated_at >= $2"

    async def came() -> asyncpg.Record | None:
        return await pbx.db.fetchrow(query, phone.number, began)

    return await until(came, 5.0, f"a cdr row for {phone.number}")


async def refused(phone: RawPhone, code: str, answer: int) -> None:
    call = await phone.invite(code)
    assert (await call.final()).code == answer


async def lamps(pbx: Pbx, watcher: RawPhone, agent: RawPhone) -> tuple[Lamp, Lamp]:
    """Watch whether an agent is logged in, and whether he is on a break."""
    await pbx.settled()
    login, pause = [await watcher.subscribe(f"*{code}*{agent.number}") for code in (45, 46)]
    await login.shows(LIT)
    await pause.shows(DARK)
    return login, pause


async def writes(pbx: Pbx, agent: RawPhone, change: str) -> None:
    """Change what the agent wants everywhere, as a person does."""
    await pbx.db.execute(
        f"UPDATE agent_states SET {change} WHERE queue_id IS NULL AND extension_id = $1",
        identity(pbx, agent),
    )


async def latest(
    pbx: Pbx, agent: RawPhone, *states: tuple[str, str | None], line: Line | None = None
) -> None:
    """Wait until the last states of an agent, and their reasons, are these; none has a gap."""
    query = """
    SELECT status, reason_code, from_at, until_at FROM agent_state_changes
    WHERE extension_id = $1 AND queue_id IS NOT DISTINCT FROM $2 ORDER BY id"""
    where = line.id if line else None
    rows: list[asyncpg.Record] = []

    async def are() -> bool:
        rows[:] = await pbx.db.fetch(query, identity(pbx, agent), where)
        # what is wanted may change while something else is true
        different = [state for state, _ in groupby((r["status"], r["reason_code"]) for r in rows)]
        return different[-len(states) :] == list(states)

    await until(are, 5.0, lambda: f"{states} but {rows}")
    assert [row["until_at"] for row in rows] == [*(row["from_at"] for row in rows[1:]), None]


async def logs_out_and_in(pbx: Pbx) -> None:
    """A caller waits meanwhile; the agent's phone rings when he is back."""
    agent, caller = await pbx.phones(2)
    line = await queue(pbx, agent)
    await becomes(pbx, agent, "available", line)
    login, pause = await lamps(pbx, caller, agent)
    await dials(pbx, agent, "*45", "logged_out")
    await login.shows(DARK)
    await latest(pbx, agent, ("available", None), ("busy", None), ("offline", None))
    await becomes(pbx, agent, "offline", line)
    call = await joins(pbx, caller, line)
    came_in = await dials(pbx, agent, "*45", "logged_in")
    incoming = await serve(call, agent)
    await login.shows(LIT)
    assert pause.states == [DARK]
    await incoming.hangup()
    await call.ended()
    [noted] = await told(pbx, came_in, "agent_state")
    assert noted == {"agent": agent.number, "wanted": "available", "queue": None, "reason": ""}
    await latest(pbx, agent, ("busy", None), ("available", None))


async def logs_out_of_one_queue(pbx: Pbx) -> None:
    """What he wants in the others stays, and so does the lamp."""
    agent, other = await pbx.phones(2)
    line, strange = await queue(pbx, agent), await queue(pbx)
    await becomes(pbx, agent, "available", line)
    login, _ = await lamps(pbx, other, agent)
    await dials(pbx, agent, f"*45{line.number}", "logged_out")
    await becomes(pbx, agent, "offline", line)
    await becomes(pbx, agent, "available")
    await latest(pbx, agent, ("busy", None), ("offline", None), line=line)
    assert login.states == [LIT]
    await dials(pbx, agent, f"*45*{agent.number}*{line.number}", "logged_in")
    await becomes(pbx, agent, "available", line)
    await refused(agent, f"*45{strange.number}", 404)
    await refused(other, "*45", 403)
    cdr = await pbx.cdr(other.number)
    assert (cdr["hangup_cause"], await sentences(pbx, cdr)) == ("forbidden", ["cannot_complete"])


async def takes_a_break(pbx: Pbx) -> None:
    """For lunch, then for something that has no name; the rows change the lamps as well."""
    agent, other = await pbx.phones(2)
    line = await queue(pbx, agent)
    await becomes(pbx, agent, "available", line)
    login, pause = await lamps(pbx, other, agent)
    await dials(pbx, agent, "*467", "on_break")
    await pause.shows(LIT)
    await latest(pbx, agent, ("available", None), ("busy", None), ("break", "lunch"))
    await latest(pbx, agent, ("break", "lunch"), line=line)
    await dials(pbx, agent, "*4688", "on_break")
    await latest(pbx, agent, ("break", "lunch"), ("busy", None), ("break", "88"))
    await dials(pbx, agent, "*46", "break_over")
    await pause.shows(DARK)
    await latest(pbx, agent, ("busy", None), ("available", None))
    await writes(pbx, agent, "status = 'break', reason_code = 'training'")
    await pause.shows(LIT)
    await writes(pbx, agent, "wanted = 'offline', wanted_reason = NULL")
    await pause.shows(DARK)
    await login.shows(DARK)
    await writes(pbx, agent, "status = 'available'")
    await login.shows(LIT)
    states = [("available", None), ("break", "training"), ("offline", None), ("available", None)]
    await latest(pbx, agent, *states)


async def has_the_pin(pbx: Pbx) -> None:
    """From another phone. Neither PIN is in the log or in a timeline."""
    anna = await mailbox(pbx, voicemail_pin=PIN)
    agent, (other,) = await pbx.phone(anna.extension), await pbx.phones(1)
    line = await queue(pbx, agent)
    await becomes(pbx, agent, "available", line)
    login, pause = await lamps(pbx, other, agent)
    wrong = await dials(pbx, other, f"*45*{agent.number}", "logged_out", keys=f"{WRONG}#{PIN}#")
    await login.shows(DARK)
    await becomes(pbx, agent, "offline")
    assert await told(pbx, wrong, "pin_refused") == [{"number": agent.number, "answer": "wrong"}]
    await dials(pbx, other, f"*46*{agent.number}*7", "on_break", keys=f"{PIN}#")
    await login.shows(LIT)
    await pause.shows(LIT)
    await latest(pbx, agent, ("available", None), ("offline", None), ("break", "lunch"))
    await nowhere_written(pbx, PIN, WRONG)


async def nowhere_written(pbx: Pbx, *secrets: str) -> None:
    log = await asyncio.to_thread((pbx.state / "log" / "app.log").read_text)
    for secret in secrets:
        assert secret not in log
        query = "SELECT count(*) FROM call_events WHERE details::text LIKE $1"
        assert not await pbx.db.fetchval(query, f"%{secret}%")


async def guesses(pbx: Pbx) -> None:
    await tries_in_vain(pbx, await mailbox(pbx, voicemail_pin=PIN))


async def has_no_pin(pbx: Pbx) -> None:
    """Nobody can do it for him."""
    await tries_in_vain(pbx, await mailbox(pbx))


async def tries_in_vain(pbx: Pbx, anna: Mailbox) -> None:
    agent, (other,) = await pbx.phone(anna.extension), await pbx.phones(1)
    await queue(pbx, agent)
    await becomes(pbx, agent, "available")
    await dials(pbx, other, f"*45*{agent.number}", "goodbye", keys="0#1#2#")
    await becomes(pbx, agent, "available")
    cdr = await pbx.cdr(other.number)
    assert len(await told(pbx, cdr["call_id"], "pin_refused")) == 3


async def ends_the_wrap_up(pbx: Pbx) -> None:
    agent, caller = await pbx.phones(2)
    line = await queue(pbx, agent, wrap_up_time_seconds=600)
    call = await answered(pbx, caller, agent, line)
    await call.hangup()
    await becomes(pbx, agent, "wrap_up", line)
    await dials(pbx, agent, "*47", "wrap_up_over")
    await latest(pbx, agent, ("wrap_up", None), ("busy", None), ("available", None))
    call = await answered(pbx, caller, agent, line)
    await call.hangup()
    await becomes(pbx, agent, "wrap_up", line)


async def answered(pbx: Pbx, caller: RawPhone, agent: RawPhone, line: Line) -> OutgoingCall:
    call = await joins(pbx, caller, line)
    await serve(call, agent)
    return call


async def test_agents_at_their_phones(pbx: Pbx) -> None:
    await setting(pbx, "queues.break_reasons", {"7": "lunch"})
    await together(pbx, logs_out_and_in, logs_out_of_one_queue, takes_a_break, ends_the_wrap_up)


async def test_agents_at_other_phones(pbx: Pbx) -> None:
    await setting(pbx, "queues.break_reasons", {"7": "lunch"})
    await together(pbx, has_the_pin, guesses, has_no_pin)
