"""Resident memory of the app and of Asterisk: per held call, and after many calls."""

import asyncio
import itertools

from tests.support.sipp import Sipp
from tests.support.until import until

from .load import PATIENCE_SECONDS, SCENARIO, caller_rows
from .report import Figure
from .session import Session
from .stack import PRODUCT

PART = "memory"
HELD = (100, 300)
RATE = 40
CHUNK_CALLS, CHUNK_RATE = 1800, 90
MOST_KB_PER_CALL = 25
MOST_GROWTH = 1.05
PARTS = ("app", "asterisk")


async def measure(session: Session) -> list[Figure]:
    await session.run(PRODUCT, CHUNK_RATE)
    await session.calm()
    return [*await _held(session), *await _after(session)]


async def _held(session: Session) -> list[Figure]:
    resident = {0: _resident(session)}
    for calls in HELD:
        resident[calls] = await _hold(session, calls)
        await session.calm()
    least, most = min(resident), max(resident)
    figures = [
        Figure(PART, f"{part} with {calls} held calls", resident[calls][part] / 1000, "MB")
        for part, calls in itertools.product(PARTS, resident)
    ]
    for part in PARTS:
        each = (resident[most][part] - resident[least][part]) / (most - least)
        aim = MOST_KB_PER_CALL if part == "app" else None
        figures.append(Figure(PART, f"{part} per held call", each, "kB", None, aim))
    session.runs.append({"part": PART, "held": resident, "cost": {"foreign": 0.0}})
    return figures


async def _hold(session: Session, calls: int) -> dict[str, int]:
    hold = calls / RATE + 10
    within = 2 * hold + PATIENCE_SECONDS
    rows = caller_rows(PRODUCT)
    phones = Sipp(
        SCENARIO, session.stack.sip, calls=calls, rate=RATE, hold=hold, rows=rows, within=within
    )
    async with phones, session.stack.sql() as connection:

        async def all_answered() -> bool:
            count = "SELECT count(*) FROM calls WHERE state = 'answered'"
            return bool(await connection.fetchval(count) >= calls)

        await until(all_answered, what=f"{calls} calls to be answered", within=hold)
        resident = _resident(session)
        await phones.totals()
    return resident


async def _after(session: Session) -> list[Figure]:
    """Make many calls in chunks: after the first quarter memory should not grow."""
    course = [_resident(session)]
    for _ in range(max(session.options.calls // CHUNK_CALLS, 4)):
        await session.run(PRODUCT, CHUNK_RATE, CHUNK_CALLS / CHUNK_RATE)
        await asyncio.sleep(2)
        course.append(_resident(session))
    session.runs.append({"part": PART, "course": course, "cost": {"foreign": 0.0}})
    quarter, last = course[len(course) // 4], course[-1]
    calls = (len(course) - 1) * CHUNK_CALLS
    figures = []
    for part in PARTS:
        aim = MOST_GROWTH if part == "app" else None
        grown = last[part] / quarter[part]
        figures.append(Figure(PART, f"{part} after {calls} calls", last[part] / 1000, "MB"))
        figures.append(Figure(PART, f"{part}, to that after a quarter", grown, "x", None, aim))
    return figures


def _resident(session: Session) -> dict[str, int]:
    return {part: session.resident(part) for part in PARTS}
