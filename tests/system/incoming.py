"""Calls from carriers: the beginning of the stories of outside lines."""

import uuid
from typing import Any

import asyncpg

from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.carrier import Carrier
from tests.support.sip import RawPhone
from tests.support.until import until

from .pbx import NUMBERS, Pbx


def number() -> str:
    """Return a number in Berlin that nobody else has, in E.164."""
    return f"+4930{next(NUMBERS)}"


async def rings(
    carrier: Carrier, phone: RawPhone, did: str, **options: Any
) -> tuple[OutgoingCall, IncomingCall]:
    """Call `did` from outside; the phone rings."""
    call = await carrier.call(did, **options)
    incoming = await phone.expect_invite()
    incoming.ring()
    await call.ringing()
    return call, incoming


async def reaches(carrier: Carrier, phone: RawPhone, did: str, **options: Any) -> None:
    """Call `did` from outside; the phone rings, and the caller gives up."""
    call, incoming = await rings(carrier, phone, did, **options)
    await call.hangup()
    await incoming.ended()


async def talk(
    carrier: Carrier, phone: RawPhone, did: str, **options: Any
) -> tuple[OutgoingCall, IncomingCall]:
    """Call `did` from outside; the phone answers."""
    call, incoming = await rings(carrier, phone, did, **options)
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


async def refused(
    pbx: Pbx, carrier: Carrier, did: str, code: int, **options: Any
) -> asyncpg.Record:
    """Call `did` from outside, expect the SIP answer, and return the call's row."""
    caller = options.setdefault("caller", number())
    call = await carrier.call(did, **options)
    answer = await call.final()
    assert answer.code == code, answer
    cdr = await pbx.cdr(caller)
    assert (cdr["answered_at"], cdr["billable_seconds"]) == (None, 0)
    return cdr


async def noted(pbx: Pbx, cdr: asyncpg.Record, event: str) -> asyncpg.Record:
    """Return the one event of that name in the call's timeline."""
    (found,) = await pbx.db.fetch(
        "SELECT * FROM call_events WHERE call_id = $1 AND event = $2", cdr["call_id"], event
    )
    return found


async def problem(pbx: Pbx, row: uuid.UUID, within: float = 3.0) -> str:
    """Wait until `config_problems` lists the row; return what it says."""
    query = "SELECT string_agg(problem, '; ') FROM config_problems WHERE row_id = $1"
    found: str = await until(lambda: pbx.db.fetchval(query, row), within, "a problem to be listed")
    return found


async def no_problem(pbx: Pbx, row: uuid.UUID, within: float = 3.0) -> None:
    """Wait until `config_problems` does not list the row any more."""
    query = "SELECT NOT EXISTS (SELECT FROM config_problems WHERE row_id = $1)"
    await until(lambda: pbx.db.fetchval(query, row), within, "a problem to be gone")
