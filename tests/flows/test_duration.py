"""A call that may last so long: a tone before the end, then the end."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.call import causes
from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .rows import outbound_rule
from .stage import ANSWERS, NUMBER, carriers, dials, story, with_trunks, world_of
from .world import World

ANSWERED = 2.0
BEEP = "sound:beep"


async def calls_at_most(world: World, seconds: float, hangs_up: float | None = None) -> None:
    with_trunks(world)
    world.keep(outbound_rules=outbound_rule("all", "^0", "A", max_seconds=seconds))
    await dials(world, hangs_up, NUMBER)


def beeps(world: World) -> list[float]:
    caller = world.asterisk.callers[0].id
    assert all(who == caller for _, who, _ in world.asterisk.played)
    return [when for when, _, what in world.asterisk.played if what == BEEP]


def soon_after(seconds: float) -> Any:
    return pytest.approx(seconds + 0.05, abs=0.05)


def is_cut(world: World, seconds: float) -> None:
    [leg] = [leg for leg in world.legs() if leg.was_up]
    caller = world.asterisk.callers[0]
    assert leg.ended_at == soon_after(seconds)
    assert caller.ended_at == soon_after(seconds)
    assert caller.hung_up_with == causes.NORMAL_CLEARING
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.events()[-2:] == ["limit_reached", "ended"]


def test_tone_and_then_the_cut() -> None:
    world = story(partial(calls_at_most, seconds=100.0), phones=carriers(ANSWERS))
    assert beeps(world) == [soon_after(ANSWERED + 70)]
    assert world.details("limit_nears") == [{"seconds": 30.0}]
    is_cut(world, ANSWERED + 100)


def test_how_long_before_the_cut_the_tone_comes_is_a_setting() -> None:
    async def act(world: World) -> None:
        world.set(outbound__warn_seconds=10)
        await calls_at_most(world, 100.0)

    assert beeps(story(act, phones=carriers(ANSWERS))) == [soon_after(ANSWERED + 90)]


def test_no_tone_where_there_is_no_time_for_one() -> None:
    world = story(partial(calls_at_most, seconds=20.0), phones=carriers(ANSWERS))
    assert beeps(world) == []
    is_cut(world, ANSWERED + 20)


def test_ringing_does_not_count() -> None:
    slow = Phone(rings=0.1, answers=40.0)
    is_cut(story(partial(calls_at_most, seconds=20.0), phones=carriers(slow)), 60.0)


@pytest.mark.parametrize(
    "hangs_up", [30.0, 71.999, 72.0, 72.5, 80.0, 101.999, 102.0, 102.005, 102.006, 102.007]
)
def test_caller_hangs_up_before_or_while_it_is_cut(hangs_up: float) -> None:
    act = partial(calls_at_most, seconds=100.0, hangs_up=hangs_up)
    world = story(act, phones=carriers(ANSWERS))
    assert len(beeps(world)) == (hangs_up > 72)
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("hangs_up", [30.0, 70.0, 80.0, 99.999, 100.0, 100.001])
def test_callee_hangs_up_before_or_while_it_is_cut(hangs_up: float) -> None:
    carrier = Phone(rings=0.1, answers=ANSWERED, hangs_up=hangs_up)
    world = story(partial(calls_at_most, seconds=100.0), phones=carriers(carrier))
    ends = [event for event in world.events() if event in ("hung_up", "limit_reached")]
    assert len(ends) == 1
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_conversation_goes_on_when_the_tone_can_not_be_played() -> None:
    """Request 4 is the tone: a channel, a bridge, both joined, a dial, and it."""
    phones, faults = carriers(ANSWERS), {4: Fault.REFUSED}
    world = story(partial(calls_at_most, seconds=100.0), phones=phones, faults=faults)
    assert world.asterisk.requests[4][0] == "play"
    is_cut(world, ANSWERED + 100)


# another process


async def adopted(killed_at: float, away: float, seconds: float = 100.0) -> World:
    world = world_of(phones=carriers(ANSWERS))
    await calls_at_most(world, seconds)
    await asyncio.sleep(killed_at)
    world.kill()
    await asyncio.sleep(away)
    world = world.next_process()
    await world.switchboard.reconcile()
    await world.over()
    check(world)
    return world


@pytest.mark.parametrize("away", [0.1, 5.0])
@pytest.mark.parametrize("killed_at", [3.0, 50.0, 73.0, 95.0])
def test_another_process_cuts_at_the_same_instant(killed_at: float, away: float) -> None:
    world = run(adopted(killed_at, away))
    assert beeps(world) == [soon_after(ANSWERED + 70)]
    is_cut(world, ANSWERED + 100)


def test_instant_of_the_cut_passes_while_nobody_is_there() -> None:
    world = run(adopted(95.0, 20.0))
    is_cut(world, 115.0)


def test_instant_of_the_tone_passes_while_nobody_is_there() -> None:
    world = run(adopted(60.0, 20.0))
    assert beeps(world) == []
    is_cut(world, ANSWERED + 100)


def test_killed_again_and_again() -> None:
    async def tell() -> World:
        world = world_of(phones=carriers(ANSWERS))
        await calls_at_most(world, 100.0)
        for _ in range(9):
            await asyncio.sleep(10)
            world = world.next_process()
            await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    is_cut(run(tell()), ANSWERED + 100)
