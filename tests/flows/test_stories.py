"""Named stories of calls between extensions, in virtual time."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from stasis_app.ari import events
from stasis_app.ari.errors import Gone
from stasis_app.call import causes
from stasis_app.words import HangupCause
from tests.support.fake_asterisk import DEAD, FakeAsterisk, Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .world import World, endpoint

BUSY = Phone(rings=None, rejects=(0.1, 17, 486))
DECLINES = Phone(rings=0.1, rejects=(1.0, 21, 603))
ANSWERS = Phone(rings=0.1, answers=2.0)


async def play(act: Callable[[World], Awaitable[None]], **asterisk: Any) -> World:
    """Act in a world of three extensions, wait for the end, and check that all is well."""
    world = World(FakeAsterisk(**asterisk))
    for number in ("1001", "1002", "1003"):
        world.extension(number)
    await act(world)
    await world.over()
    check(world)
    return world


def story(act: Callable[[World], Awaitable[None]], **asterisk: Any) -> World:
    return run(play(act, **asterisk))


async def dials(world: World, hangs_up: float | None = None, number: str = "1002") -> None:
    caller = world.asterisk.call("1001", number)
    if hangs_up is not None:
        world.asterisk.at(hangs_up, partial(world.asterisk.end, caller))


def test_two_people_talk_and_the_caller_hangs_up() -> None:
    world = story(partial(dials, hangs_up=10), phones={endpoint("1002"): ANSWERS})
    assert world.events() == ["arrived", "offered", "rang", "answered", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    [leg] = world.legs()
    assert leg.hung_up_with == causes.NORMAL_CLEARING


def test_two_people_talk_and_the_callee_hangs_up() -> None:
    phone = Phone(rings=0.1, answers=2.0, hangs_up=5.0)
    world = story(dials, phones={endpoint("1002"): phone})
    assert world.events() == ["arrived", "offered", "rang", "answered", "hung_up", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_caller_gives_up_while_it_rings() -> None:
    world = story(partial(dials, hangs_up=3), phones={endpoint("1002"): Phone()})
    assert world.cause() == HangupCause.CANCEL
    assert world.row()["state"] == "ringing"


def test_nobody_answers() -> None:
    world = story(dials, phones={endpoint("1002"): Phone()})
    assert world.cause() == HangupCause.NO_ANSWER
    assert 30 < world.second_of("refused") < 31


@pytest.mark.parametrize(
    ("phone", "cause"),
    [(BUSY, HangupCause.BUSY), (DECLINES, HangupCause.REJECTED), (DEAD, HangupCause.NO_ANSWER)],
)
def test_a_phone_that_does_not_answer_decides_the_sip_answer(
    phone: Phone, cause: HangupCause
) -> None:
    world = story(dials, phones={endpoint("1002"): phone})
    assert world.cause() == cause
    caller = world.asterisk.channels_made["caller-0"]
    assert caller.hung_up_with == causes.ANSWER_TO_CALLER[cause]
