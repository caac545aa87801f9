"""Carriers that say nothing, or not much."""

import asyncio
from functools import partial

import pytest

from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault, Phone

from .stage import (
    ANSWERS,
    NUMBER,
    OVERLOADED,
    SILENT,
    calls_out,
    carriers,
    story,
)
from .world import World, over

A, B = over("A", NUMBER), over("B", NUMBER)


def test_silent_carrier_is_left_after_four_seconds() -> None:
    world = story(calls_out, phones=carriers(SILENT))
    first, second = world.legs()
    assert (first.endpoint, second.endpoint) == (A, B)
    assert first.ended_at == pytest.approx(4.0, abs=0.1)
    assert second.made_at == pytest.approx(first.ended_at, abs=0.01)
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.details("leg_failed") == [{"number": NUMBER, "reason": "silent"}]


def test_patience_with_a_silent_carrier_is_a_setting() -> None:
    async def impatient(world: World) -> None:
        world.set(trunks__silent_seconds=1.5)
        await calls_out(world)

    world = story(impatient, phones=carriers(SILENT))
    assert world.legs()[0].ended_at == pytest.approx(1.5, abs=0.1)


def test_carrier_and_callee_have_a_second_at_the_least() -> None:
    """With 0 nobody could be called, not even in an emergency."""

    async def hasty(world: World) -> None:
        world.set(trunks__silent_seconds=0, outbound__ring_seconds=0)
        await calls_out(world)

    world = story(hasty, phones=carriers(Phone(trying=None, rings=0.5, answers=0.9)))
    assert world.dialled() == [A]
    assert world.row()["answered_at"]


@pytest.mark.parametrize(
    "carrier",
    [
        Phone(trying=0.0, rings=30.0, answers=33.0),
        Phone(trying=3.9, rings=30.0, answers=33.0),
        Phone(trying=None, rings=3.9, answers=33.0),
        Phone(trying=None, rings=None, progresses=3.9, answers=33.0),
        Phone(trying=None, rings=None, answers=3.9),
    ],
)
def test_slow_carrier_is_waited_for(carrier: Phone) -> None:
    world = story(calls_out, phones=carriers(carrier))
    assert world.dialled() == [A]
    assert world.row()["answered_at"]


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNREACHABLE])
def test_carrier_whose_silence_can_not_be_asked_for_is_waited_for(fault: Fault) -> None:
    slow = Phone(trying=0.0, rings=20.0, answers=23.0)
    world = story(calls_out, phones=carriers(slow), faults={4: fault})
    assert world.dialled() == [A]
    assert world.row()["answered_at"]


async def one_after_the_other(world: World, pause: float, calls: int = 2) -> None:
    for _ in range(calls):
        caller = await calls_out(world, hangs_up=None)
        await asyncio.sleep(10)
        world.asterisk.end(caller)
        await asyncio.sleep(pause)


@pytest.mark.parametrize(("pause", "order"), [(10, [A, B, B]), (25, [A, B, A, B])])
def test_trunk_that_was_silent_rests_for_half_a_minute(pause: float, order: list[str]) -> None:
    world = story(partial(one_after_the_other, pause=pause), phones=carriers(SILENT))
    assert world.dialled() == order


def test_resting_trunk_is_better_than_none() -> None:
    async def again(world: World) -> None:
        await one_after_the_other(world, 5, calls=1)
        world.asterisk.phones.update(carriers(ANSWERS, OVERLOADED))
        await one_after_the_other(world, 5, calls=1)

    assert story(again, phones=carriers(SILENT)).dialled() == [A, B, B, A]
