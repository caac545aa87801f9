"""Calls to the public network: over which trunk, and what becomes of them."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from stasis_app.call import causes
from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault, Phone

from .rows import identity, trunk
from .stage import (
    ANSWERS,
    NUMBER,
    OVERLOADED,
    RINGS,
    SILENT,
    calls_out,
    carriers,
    story,
    with_trunks,
)
from .world import World, over

A, B = over("A", NUMBER), over("B", NUMBER)


def rejects(sip: int, q850: int, **phone: Any) -> Phone:
    return Phone(**{"rings": None, "rejects": (0.05, q850, sip), **phone})


# trunk after trunk


def test_first_trunk_answers() -> None:
    world = story(calls_out, phones=carriers(ANSWERS))
    happened = "arrived routed dialled_out rang answered ended"
    assert world.events() == happened.split()
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("outbound", str(identity("A")))
    assert row["callee_number"] == NUMBER
    [routed] = world.details("routed")
    assert routed == {"rule": "all", "to": NUMBER}


TRUNK_FAILED = [
    (503, 34),
    (408, 18),
    (401, 21),
    (407, 21),
    (403, 21),
    (480, 19),
    (488, 58),
    (500, 38),
    (502, 27),
    (504, 38),
    (0, 34),
    (0, 3),
]


@pytest.mark.parametrize(("sip", "q850"), TRUNK_FAILED)
def test_next_trunk_is_tried_when_the_trunk_failed(sip: int, q850: int) -> None:
    world = story(calls_out, phones=carriers(rejects(sip, q850)))
    assert world.dialled() == [A, B]
    assert world.legs()[1].made_at - world.legs()[0].made_at < 0.1
    assert world.cause() == HangupCause.NORMAL_CLEARING
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("outbound", str(identity("B")))
    happened = "arrived routed dialled_out leg_failed dialled_out rang answered ended"
    assert world.events() == happened.split()


CALLEE_SPOKE = [
    (404, 1, HangupCause.UNALLOCATED_NUMBER),
    (410, 22, HangupCause.NUMBER_CHANGED),
    (484, 28, HangupCause.INVALID_NUMBER),
    (486, 17, HangupCause.BUSY),
    (600, 17, HangupCause.BUSY),
    (603, 21, HangupCause.REJECTED),
    (604, 1, HangupCause.UNALLOCATED_NUMBER),
    (0, 17, HangupCause.BUSY),
]


@pytest.mark.parametrize(("sip", "q850", "cause"), CALLEE_SPOKE)
def test_no_other_trunk_when_the_callee_or_the_number_is_the_reason(
    sip: int, q850: int, cause: HangupCause
) -> None:
    world = story(calls_out, phones=carriers(rejects(sip, q850)))
    assert world.dialled() == [A]
    assert world.cause() == cause
    assert world.asterisk.callers[0].hung_up_with == causes.ANSWER_TO_CALLER[cause]


@pytest.mark.parametrize("sign", [{"rings": 0.1}, {"progresses": 0.1}])
@pytest.mark.parametrize(("sip", "q850"), TRUNK_FAILED)
def test_no_other_trunk_once_the_callee_was_reached(
    sip: int, q850: int, sign: Mapping[str, float]
) -> None:
    carrier = rejects(sip, q850, rejects=(1.0, q850, sip), **sign)
    assert story(calls_out, phones=carriers(carrier)).dialled() == [A]


def test_nobody_answers_and_no_other_trunk_is_tried() -> None:
    world = story(partial(calls_out, hangs_up=None), phones=carriers(RINGS))
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.NO_ANSWER
    assert 120 < world.second_of("refused") < 121


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.GONE, Fault.UNREACHABLE])
@pytest.mark.parametrize("request_number", range(4))
def test_next_trunk_is_tried_when_a_leg_can_not_be_made(request_number: int, fault: Fault) -> None:
    slow = Phone(rings=10.0, answers=12.0)
    world = story(calls_out, phones=carriers(slow), faults={request_number: fault})
    assert world.dialled()[-1] == B
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.row()["trunk_id"] == str(identity("B"))


def test_no_other_trunk_when_a_leg_that_rings_can_not_be_kept() -> None:
    """The caller is not bridged within five seconds, and the callee has been rung meanwhile."""
    act = partial(calls_out, hangs_up=None)
    world = story(act, phones=carriers(RINGS), faults={2: Fault.UNREACHABLE})
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.CONGESTION


def test_answer_that_comes_before_the_caller_is_bridged() -> None:
    world = story(calls_out, phones=carriers(ANSWERS), faults={2: Fault.UNREACHABLE})
    assert world.dialled() == [A]
    assert world.asterisk.together


def test_leg_that_never_enters_the_application() -> None:
    world = story(calls_out, phones=carriers(ANSWERS), start_seconds=60.0)
    assert world.dialled() == [A, B]
    assert world.cause() == HangupCause.CONGESTION


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        (OVERLOADED, OVERLOADED, HangupCause.CONGESTION),
        (OVERLOADED, rejects(500, 38), HangupCause.CONGESTION),
        (OVERLOADED, rejects(480, 19), HangupCause.UNAVAILABLE),
        (OVERLOADED, rejects(486, 17), HangupCause.BUSY),
        (OVERLOADED, SILENT, HangupCause.CONGESTION),
        (rejects(488, 58), rejects(488, 58), HangupCause.NOT_ACCEPTABLE),
    ],
)
def test_when_all_trunks_fail_the_last_one_says_why(
    first: Phone, second: Phone, cause: HangupCause
) -> None:
    world = story(partial(calls_out, hangs_up=None), phones=carriers(first, second))
    assert world.dialled() == [A, B]
    assert world.cause() == cause
    assert world.asterisk.callers[0].hung_up_with == causes.ANSWER_TO_CALLER[cause]


@pytest.mark.parametrize("sip", [401, 403, 407, 408, 500, 503])
def test_trunk_that_refuses_us_is_no_callee_who_declines(sip: int) -> None:
    """Asterisk says Q.850 21 of some of them, as it does of 603."""
    refuses = rejects(sip, 21)
    world = story(partial(calls_out, hangs_up=None), phones=carriers(refuses, refuses))
    assert world.cause() == HangupCause.CONGESTION
    assert world.asterisk.callers[0].hung_up_with == causes.ANSWER_TO_CALLER[HangupCause.CONGESTION]


# trunks that are full, or not to be used


@pytest.mark.parametrize("limit", [0, 1])
def test_full_trunk_is_passed_over(limit: int) -> None:
    async def full(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": limit})
        for _ in range(limit + 1):
            await calls_out(world)

    world = story(full, phones=carriers(ANSWERS))
    assert world.dialled() == [A] * limit + [B]
    [skipped] = world.details("trunk_skipped")
    assert skipped == {"trunk": "A", "reason": "max_concurrent_calls"}


def test_call_in_counts_for_the_limit_of_the_trunk() -> None:
    async def full(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 1})
        with world.exchange.engaged.hold(identity("A")):
            await calls_out(world)
            await asyncio.sleep(5)

    assert story(full, phones=carriers(ANSWERS)).dialled() == [B]


def test_all_trunks_are_full() -> None:
    async def full(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 0}, max_concurrent_calls=0)
        await calls_out(world, hangs_up=None)

    world = story(full, phones=carriers(ANSWERS))
    assert not world.legs()
    assert world.cause() == HangupCause.CONGESTION


def test_last_failure_is_told_although_the_next_trunk_is_full() -> None:
    async def full(world: World) -> None:
        with_trunks(world, max_concurrent_calls=0)
        await calls_out(world, hangs_up=None)

    world = story(full, phones=carriers(rejects(480, 19)))
    assert world.cause() == HangupCause.UNAVAILABLE


def test_circle_of_backups_is_gone_through_once() -> None:
    async def circle(world: World) -> None:
        with_trunks(world)
        world.keep(trunks=trunk("B", backup="A"))
        await calls_out(world, hangs_up=None)

    world = story(circle, phones=carriers(OVERLOADED, OVERLOADED))
    assert world.dialled() == [A, B]
