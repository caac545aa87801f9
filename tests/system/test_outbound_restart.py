"""The app is killed while calls to the outside talk, ring, or are on their way to a trunk."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from tests.support.until import until

from .conversation import hear_each_other
from .outgoing import dial_out, phone, talk_out, way_out, ways_out
from .pbx import Pbx
from .test_restart import kill_app

Story = Callable[[Pbx], AbstractAsyncContextManager[None]]


async def in_step(pbx: Pbx, number: str, step: str = "outside") -> None:
    """Wait until Postgres knows where the call of this caller stands."""
    query = """
        SELECT step FROM call_positions JOIN calls ON calls.id = call_positions.call_id
        WHERE caller_number = $1"""

    async def reached() -> bool:
        return bool(await pbx.db.fetchval(query, number) == step)

    await until(reached, what=f"{number} in step {step}")


@asynccontextmanager
async def talks(pbx: Pbx) -> AsyncIterator[None]:
    """Both go on hearing each other, and the call ends right."""
    way = await way_out(pbx, "^001")
    anna = await phone(pbx, display_name="Anna")
    call, incoming = await talk_out(anna, way, "001")
    before = await pbx.in_state(anna.number, "answered")
    yield
    await hear_each_other(call, incoming)
    await incoming.hold()
    await pbx.in_state(anna.number, "held")
    await incoming.resume()
    await pbx.in_state(anna.number, "answered")
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["call_id"], cdr["trunk_id"]) == (before["id"], way.trunk)
    assert cdr["answered_at"] == before["answered_at"]
    assert (cdr["direction"], cdr["hangup_cause"]) == ("outbound", "normal_clearing")
    assert "adopted" in await pbx.timeline(cdr["call_id"])
    assert len(way.invites) == 1


@asynccontextmanager
async def rings(pbx: Pbx) -> AsyncIterator[None]:
    """It is adopted and can be answered."""
    way = await way_out(pbx, "^002")
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way, "002")
    incoming.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    yield
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await pbx.in_state(anna.number, "answered")
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["hangup_cause"], cdr["trunk_id"]) == ("normal_clearing", way.trunk)
    assert len(way.invites) == 1


@asynccontextmanager
async def rings_with_a_tone(pbx: Pbx) -> AsyncIterator[None]:
    """A 183 with the carrier's own ringing tone counts as ringing does."""
    way, backup = await ways_out(pbx, 2, "^003")
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way, "003")
    await incoming.progress()
    incoming.say(425)
    await call.early_media()
    await call.hears(425)
    await in_step(pbx, anna.number)
    yield
    await call.hears(425)
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "normal_clearing"
    assert [len(one.invites) for one in (way, backup)] == [1, 0]


@asynccontextmanager
async def is_busy_after_it_rang(pbx: Pbx) -> AsyncIterator[None]:
    """What the carrier says after it rang is still the callee's answer."""
    way, backup = await ways_out(pbx, 2, "^004")
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way, "004")
    incoming.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    yield
    incoming.reject(480)
    assert (await call.final()).code == 480
    assert not backup.invites


@asynccontextmanager
async def between_two_trunks(pbx: Pbx) -> AsyncIterator[None]:
    """The first has failed, the second has said 100 Trying: what it says next counts."""
    first, second, third = await ways_out(pbx, 3, "^005")
    anna = await phone(pbx)
    call, failed = await dial_out(anna, first, "005")
    failed.reject(503)
    failing = await second.carrier.expect_invite()
    await in_step(pbx, anna.number)
    yield
    failing.reject(503)
    incoming = await third.carrier.expect_invite()
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    cdr = await pbx.cdr(anna.number)
    assert cdr["trunk_id"] == third.trunk
    assert [len(way.invites) for way in (first, second, third)] == [1, 1, 1]


@asynccontextmanager
async def gives_up(pbx: Pbx) -> AsyncIterator[None]:
    """A caller who hangs up afterwards leaves no ringing phone behind."""
    way = await way_out(pbx, "^006")
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way, "006")
    incoming.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    yield
    await call.hangup()
    await incoming.ended()
    assert incoming.is_cancelled
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "cancel"


@asynccontextmanager
async def stays_unknown(pbx: Pbx) -> AsyncIterator[None]:
    """Who called with *31 is not named when the call is forwarded later on."""
    way = await way_out(pbx, "^007", forwarded_caller_id="original")
    anna = await phone(pbx)
    ben = await phone(pbx, forward_on_busy_enabled=True, forward_on_busy_destination="007")
    call = await anna.invite(f"*31{ben.number}")
    rung = await ben.expect_invite()
    rung.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    yield
    rung.reject(486)
    incoming = await way.carrier.expect_invite()
    assert incoming.sender.uri == "sip:anonymous@anonymous.invalid"
    assert incoming.privacy == "id"
    await call.hangup()


STORIES: tuple[Story, ...] = (
    talks,
    rings,
    rings_with_a_tone,
    is_busy_after_it_rang,
    between_two_trunks,
    gives_up,
    stays_unknown,
)


async def test_the_app_is_killed(pbx: Pbx) -> None:
    async with AsyncExitStack() as stories:
        for story in STORIES:
            await stories.enter_async_context(story(pbx))
        await kill_app(pbx)


async def test_hangups_that_nobody_watched(pbx: Pbx) -> None:
    """By the callee while talking, by the caller while ringing."""
    way = await way_out(pbx)
    anna, ben = await phone(pbx), await phone(pbx)
    call, incoming = await talk_out(anna, way)
    other, rung = await dial_out(ben, way)
    rung.ring()
    await other.ringing()
    await pbx.in_state(anna.number, "answered")
    await pbx.in_state(ben.number, "ringing")
    app = pbx.stack["app"]["pid"]
    os.kill(app, signal.SIGKILL)
    await incoming.hangup()
    await other.hangup()
    await until(lambda: pbx.stack["app"]["pid"] != app, 20.0, "a new app")
    await call.ended(within=15.0)
    await rung.ended()
    assert rung.is_cancelled
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "normal_clearing"
    assert (await pbx.cdr(ben.number))["hangup_cause"] == "cancel"
