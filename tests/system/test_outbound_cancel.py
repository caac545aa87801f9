"""Callers give up at every moment of a failover: nothing is left anywhere."""

import asyncio
from contextlib import suppress

from tests.support.sip import RawPhone
from tests.support.until import until

from .outgoing import NUMBER, Way, dial_out, phone, talk_out, way_out, ways_out
from .outside import setting
from .pbx import Pbx
from .refusals import JITTER, causes

CALLS = 30
CROSSINGS = 12
SILENT = 1


async def let_ring(way: Way) -> None:
    """Let every call ring that comes to a carrier."""
    while True:
        incoming = await way.carrier.expect_invite(within=60.0)
        if not incoming.is_over:
            incoming.ring()


async def gives_up(anna: RawPhone, starts: float, lasts: float) -> None:
    await asyncio.sleep(starts)
    call = await anna.invite(NUMBER)
    await until(lambda: call.has(100), what="100 Trying", every=0.0)
    await asyncio.sleep(lasts)
    call.cancel()
    assert (await call.final()).code == 487


def moments() -> list[float]:
    """Return how long each call lasts: while trunks fail, and when the silent one is given up."""
    early = [JITTER.uniform(0, 0.08) for _ in range(CALLS // 2)]
    late = [SILENT + JITTER.uniform(-0.05, 0.1) for _ in range(CALLS // 2 - 1)]
    return [*early, *late, SILENT + 0.5]


async def test_cancel_while_trunks_are_tried(pbx: Pbx) -> None:
    """Two that fail, one that is silent, one that rings."""
    await setting(pbx, "trunks.silent_seconds", SILENT)
    await setting(pbx, "trunks.rest_seconds", 0)
    ways = await ways_out(pbx, 4, max_concurrent_calls=None)
    for place, code in ((0, 503), (1, 500)):
        ways[place].carrier.refuse("INVITE", code)
    ways[2].carrier.ignore("INVITE")
    anna = await phone(pbx, max_concurrent_calls=None)
    ringing = asyncio.create_task(let_ring(ways[3]))
    try:
        calls = (gives_up(anna, JITTER.uniform(0, 1), lasts) for lasts in moments())
        await asyncio.gather(*calls)
    finally:
        ringing.cancel()
        with suppress(asyncio.CancelledError):
            await ringing
    await pbx.quiet()
    assert await causes(pbx, anna.number, CALLS) == {"cancel": CALLS}
    last = ways[3].carrier
    assert last.calls
    while last.is_called:
        await last.expect_invite()
    await until(lambda: all(call.is_over for call in last.calls.values()), what="no call left")
    call, _ = await talk_out(anna, ways[3])
    await call.hangup()


async def test_cancel_meets_the_answer(pbx: Pbx) -> None:
    """Whoever wins, both sides agree that the call is over."""
    way = await way_out(pbx, max_concurrent_calls=None)
    anna = await phone(pbx, max_concurrent_calls=None)
    for _ in range(CROSSINGS):
        call, incoming = await dial_out(anna, way)
        start = JITTER.uniform(-0.006, 0.006)
        if start > 0:
            call.cancel()
        await asyncio.sleep(abs(start))
        if not incoming.is_cancelled:
            await incoming.answer()
        if start <= 0:
            call.cancel()
        if (await call.final()).code == 200:
            await call.hangup()
        await incoming.ended()
    ended = await causes(pbx, anna.number, CROSSINGS)
    assert sum(ended.values()) == CROSSINGS
    assert set(ended) <= {"cancel", "normal_clearing"}
