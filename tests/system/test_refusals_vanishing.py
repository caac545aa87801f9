"""Phones that vanish: the others are freed, and their calls are rows."""

from collections.abc import AsyncIterator

import pytest

from .conversation import talk
from .pbx import Pbx
from .refusals import causes, the_next_call_works


@pytest.fixture(autouse=True)
async def next_call(pbx: Pbx) -> AsyncIterator[None]:
    yield
    await the_next_call_works(pbx)


async def test_a_phone_that_takes_no_calls_any_more(pbx: Pbx) -> None:
    anna, carla = await pbx.phones(2)
    forward = {"forward_on_no_answer_enabled": True, "forward_on_no_answer_timeout": 1}
    dead = await pbx.phone(
        await pbx.extension(forward_on_no_answer_destination=carla.number, **forward)
    )
    dead.deaf = True
    call = await anna.invite(dead.number)
    incoming = await carla.expect_invite()
    await incoming.answer()
    await call.answered()
    await call.hangup()
    await incoming.ended()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


async def test_a_phone_that_vanishes_while_it_rings(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    (await ben.expect_invite()).ring()
    await call.ringing()
    ben.deaf = True
    await call.hangup()
    assert await causes(pbx, anna.number, 1) == {"cancel": 1}


async def test_a_phone_that_vanishes_while_they_talk(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, _ = await talk(anna, ben)
    await ben.vanish()
    await call.hangup()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


async def test_a_caller_that_never_acknowledges(pbx: Pbx) -> None:
    """For 32 s (64 T1) Asterisk repeats its 200; then the callee is freed."""
    anna, ben = await pbx.phones(2)
    anna.acknowledges = False
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.ended(within=40.0)
    assert incoming.bye == "remote"
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}
