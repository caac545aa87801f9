"""Callers who hang up while their call goes out: no further INVITE, and nothing is left."""

from collections.abc import Mapping
from functools import partial

import pytest

from stasis_app.words import HangupCause
from tests.support.fake_phones import Phone

from .stage import (
    ANSWERS,
    NUMBER,
    OVERLOADED,
    RINGS,
    SILENT,
    calls_out,
    carriers,
    story,
)
from .world import World, over

A, B = over("A", NUMBER), over("B", NUMBER)


SILENCE = [0.0, 0.0005, 0.0015, 0.003, 0.005, 1.0, 3.9, 4.0, 4.001, 4.002, 4.003, 4.005, 4.01, 5.0]


def dials_sent(world: World) -> int:
    return sum(verb in ("create_channel", "dial") for verb, _ in world.asterisk.requests)


async def hangs_up_at(world: World, seconds: float, sent: list[int]) -> None:
    """Note how many legs were made or dialled when the end of the caller has been told."""
    await calls_out(world, hangs_up=seconds)
    told = seconds + 2 * max(world.asterisk.delays)
    world.asterisk.at(told, lambda: sent.append(dials_sent(world)))


@pytest.mark.parametrize("delays", [(0.001,), (0.0, 0.004)])
@pytest.mark.parametrize("seconds", SILENCE)
def test_caller_hangs_up_while_a_carrier_is_silent(
    seconds: float, delays: tuple[float, ...]
) -> None:
    sent: list[int] = []
    act = partial(hangs_up_at, seconds=seconds, sent=sent)
    world = story(act, phones=carriers(SILENT, RINGS), delays=delays)
    assert sent == [dials_sent(world)]
    assert world.cause() == HangupCause.CANCEL


@pytest.mark.parametrize("seconds", [0.001 * n for n in range(45, 75)])
def test_caller_hangs_up_between_two_trunks(seconds: float) -> None:
    sent: list[int] = []
    act = partial(hangs_up_at, seconds=seconds, sent=sent)
    world = story(act, phones=carriers(OVERLOADED, RINGS), delays=(0.002,))
    assert sent == [dials_sent(world)]
    assert world.cause() == HangupCause.CANCEL


@pytest.mark.parametrize("phones", [carriers(SILENT), carriers(OVERLOADED), carriers(ANSWERS)])
def test_caller_hangs_up_at_any_request(phones: Mapping[str, Phone]) -> None:
    requests = len(story(calls_out, phones=dict(phones)).asterisk.requests)
    assert requests >= 6

    async def at_request(world: World, request: int) -> None:
        caller = await calls_out(world)
        world.asterisk.before[request] = partial(world.asterisk.end, caller)

    for request in range(requests):
        world = story(partial(at_request, request=request), phones=dict(phones))
        answered = world.row().get("answered_at")
        assert world.cause() == (HangupCause.NORMAL_CLEARING if answered else HangupCause.CANCEL)


@pytest.mark.parametrize("request_number", range(4))
def test_caller_is_gone_before_we_are_told(request_number: int) -> None:
    """A request that Asterisk refuses because of the caller is no failure of the trunk."""

    async def cancels(world: World) -> None:
        caller = await calls_out(world, hangs_up=None)
        goes = partial(world.asterisk.end_untold, caller, 0.05)
        world.asterisk.before[request_number] = goes

    world = story(cancels, phones=carriers(RINGS, RINGS))
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.CANCEL
