"""A process goes while a call goes out, and another comes: which trunks are tried."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from stasis_app.words import HangupCause
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .restarts import Machine, continued, reconnected, taken_over, to_the_end
from .rows import identity, outbound_rule
from .stage import (
    ANSWERS,
    NUMBER,
    OVERLOADED,
    RINGS,
    SILENT,
    calls_out,
    carriers,
    dials,
    with_trunks,
    world_of,
)
from .world import World, over

Away = Callable[[dict[str, Phone], float, float], Awaitable[World]]

A, B = over("A", NUMBER), over("B", NUMBER)
TRYING = Phone(rings=None)
MOBILE = "01711234567"
EARLY_MEDIA = Phone(rings=None, progresses=0.5)
RECONCILING = 4  # requests of a comparison


# what goes on


@pytest.mark.parametrize(
    "carrier",
    [
        Phone(rings=0.1, answers=8.0),
        replace(EARLY_MEDIA, answers=8.0),
        replace(EARLY_MEDIA, rings=4.0, answers=8.0),
        replace(TRYING, answers=8.0),
        replace(TRYING, rings=4.0, answers=8.0),
    ],
)
def test_call_that_the_carrier_has_in_hand_goes_on(carrier: Phone) -> None:
    """It rings, the caller hears something, or the carrier is still looking for the callee."""
    world = continued(carriers(carrier), after=2.0)
    assert world.dialled() == [A]
    assert world.asterisk.together
    assert world.row()["answered_at"].startswith("2026-01-01T00:00:08")
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_call_that_the_carrier_has_not_heard_of_is_dialled_anew() -> None:
    world = continued(carriers(SILENT), after=2.0)
    assert world.dialled() == [A, A, B]
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("reached", [RINGS, EARLY_MEDIA])
@pytest.mark.parametrize("refusal", [(5.0, 19, 480), (5.0, 34, 503), (5.0, 17, 486)])
def test_no_other_trunk_once_the_callee_was_reached(
    refusal: tuple[float, int, int], reached: Phone
) -> None:
    world = continued(carriers(replace(reached, rejects=refusal)), after=2.0)
    assert world.dialled() == [A]


def test_next_trunk_is_tried_when_the_first_one_fails_later() -> None:
    world = continued(carriers(replace(TRYING, rejects=(5.0, 34, 503))), after=2.0)
    assert world.dialled() == [A, B]
    assert world.row()["trunk_id"] == str(identity("B"))


def test_leg_ends_while_the_next_process_asks_for_it() -> None:
    """The carrier has said that the callee is busy: nobody else is to be tried."""

    async def tell() -> World:
        world = world_of(phones=carriers(TRYING))
        await calls_out(world)
        await asyncio.sleep(2)
        world = world.next_process()
        asterisk = world.asterisk
        busy = partial(asterisk.end, world.legs()[0], 17, 486)
        asterisk.before[len(asterisk.requests) + RECONCILING] = busy
        await world.switchboard.reconcile()
        return await to_the_end(world)

    world = run(tell())
    assert ("channel_variable", world.legs()[0].id) in world.asterisk.requests
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.BUSY


def test_ringing_ends_when_it_would_have() -> None:
    world = continued(carriers(RINGS), after=50.0, away=10.0, act=partial(calls_out, hangs_up=None))
    assert world.cause() == HangupCause.NO_ANSWER
    assert world.second_of("refused") == pytest.approx(120, abs=0.1)


def test_ringing_has_ended_meanwhile() -> None:
    world = continued(
        carriers(RINGS), after=50.0, away=100.0, act=partial(calls_out, hangs_up=None)
    )
    assert world.cause() == HangupCause.NO_ANSWER
    assert world.dialled() == [A]


@pytest.mark.parametrize("first", [OVERLOADED, SILENT])
def test_trunk_that_was_tried_is_not_tried_again(first: Phone) -> None:
    """Not even if the one tried after it fails as well."""
    fails = Phone(rings=None, rejects=(3.0, 34, 503))
    world = continued(carriers(first, fails), after=5.0, act=partial(calls_out, hangs_up=None))
    assert world.dialled()[:2] == [A, B]
    assert A not in world.dialled()[2:]
    assert world.cause() == HangupCause.CONGESTION


def test_answer_while_nobody_watches() -> None:
    world = continued(carriers(Phone(rings=0.1, answers=2.5)), after=2.0)
    assert world.asterisk.together
    assert world.row()["answered_at"].startswith("2026-01-01T00:00:03")
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("hangs_up", [0.5, 5.0])
def test_callee_hangs_up_while_nobody_watches(hangs_up: float) -> None:
    """Nobody is called again who has talked."""
    carrier = Phone(rings=0.1, answers=2.0, hangs_up=hangs_up)
    world = continued(carriers(carrier), after=2.2, away=10.0)
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.NORMAL_CLEARING


TALKS_SHORTLY = Phone(rings=0.1, answers=2.0, hangs_up=3.0)


@pytest.mark.parametrize("way", [taken_over, reconnected])
def test_callee_answers_and_hangs_up_while_nobody_watches(way: Away) -> None:
    """The caller is up: they have talked, and nobody is called again."""

    async def tell() -> World:
        return await to_the_end(await way(carriers(TALKS_SHORTLY), 1.0, 10.0))

    world = run(tell())
    assert world.dialled() == [A]
    assert world.row()["answered_at"]
    assert world.details("hung_up") == [{"by": NUMBER, "unwatched": True}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_leg_that_was_lost_without_a_cause_is_no_reason_for_the_next_trunk() -> None:
    """Nobody knows whether the callee was reached."""
    phones = carriers(replace(TRYING, rejects=(3.0, 34, 503)))

    async def tell() -> World:
        return await to_the_end(await reconnected(phones, 1.0))

    world = run(tell())
    assert world.dialled() == [A]
    assert world.cause() == HangupCause.NO_ANSWER


def test_next_trunk_is_tried_if_the_leg_was_lost_before_it_was_dialled() -> None:
    async def breaks(world: World) -> None:
        asterisk = world.asterisk
        asterisk.before[len(asterisk.requests)] = asterisk.disconnect
        await calls_out(world)

    async def tell() -> World:
        return await to_the_end(await reconnected(carriers(ANSWERS), 0.5, 0.5, breaks))

    world = run(tell())
    assert world.dialled() == [A, B]
    assert world.asterisk.together


# killed at any request

LIMIT = 20.0


async def limited(world: World, phones: dict[str, Phone]) -> None:
    world.asterisk.phones.update(phones)
    with_trunks(world)
    world.keep(outbound_rules=outbound_rule("all", "^0", "A", max_seconds=LIMIT))
    await world.switchboard.reconcile()
    await dials(world, None, NUMBER)


async def killed_at(request: int, phones: dict[str, Phone], away: float, *, sent: bool) -> World:
    world = world_of(delays=(0.005,))
    machine = Machine(world)
    machine.kill_at(RECONCILING + request, away, sent=sent)
    await limited(world, phones)
    await machine.over(100)
    check(machine.world)
    return machine.world


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("first", [ANSWERS, OVERLOADED, SILENT])
def test_call_is_had_and_cut_wherever_the_process_is_killed(
    first: Phone, away: float, sent: bool
) -> None:
    phones = carriers(first)
    requests = 4 if first is ANSWERS else 10
    for request in range(requests):
        world = run(killed_at(request, phones, away, sent=sent))
        assert world.asterisk.together, f"killed at {request}: nobody has talked"
        assert world.cause() == HangupCause.NORMAL_CLEARING
        found = world.dialled()
        assert found == sorted(found, key=[A, B].index), "a trunk was tried again"
        assert found.count(A) <= 2
        assert found.count(B) <= 2
        cut = world.second_of("limit_reached")
        assert cut == pytest.approx(world.answered_at() + LIMIT, abs=0.1)
