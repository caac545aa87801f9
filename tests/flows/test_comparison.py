"""A process or a connection begins anew and compares with Asterisk, which does not stand still."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from stasis_app.ari import events
from stasis_app.words import HangupCause
from tests.support.fake_phones import EPOCH, Phone
from tests.support.virtual_time import run

from .invariants import check
from .rows import identity
from .stage import ANSWERS, RINGS, dials, world_of
from .world import World, endpoint

Deed = Callable[[World], None]

# seconds: the four requests of a comparison act at 0.01, 0.03, 0.05 and 0.07, then the open calls
# are read until 0.13
COMPARING = [0.005, 0.025, 0.045, 0.065, 0.075, 0.1, 0.125, 0.14]


def caller_hangs_up(world: World) -> None:
    world.asterisk.end(world.asterisk.callers[0])


def callee_hangs_up(world: World) -> None:
    world.asterisk.end(world.legs()[0])


def callee_answers(world: World) -> None:
    world.asterisk.set_state(world.legs()[0], "Up")


async def meanwhile(phone: Phone, deed: Deed, moment: float, *, killed: bool) -> World:
    """Compare at second 5, and let something happen in the course of it."""
    world = world_of(phones={endpoint("1002"): phone}, delays=(0.01,), reading=0.05)
    await world.switchboard.reconcile()
    await dials(world, hangs_up=60)
    await asyncio.sleep(5)
    if killed:
        world = world.next_process()
    world.asterisk.at(moment, partial(deed, world))
    await world.switchboard.reconcile()
    return world


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize(
    ("phone", "deed", "cause"),
    [
        (ANSWERS, caller_hangs_up, HangupCause.NORMAL_CLEARING),
        (ANSWERS, callee_hangs_up, HangupCause.NORMAL_CLEARING),
        (RINGS, caller_hangs_up, HangupCause.CANCEL),
    ],
)
@pytest.mark.parametrize("moment", COMPARING)
def test_somebody_hangs_up_while_the_exchange_compares(
    phone: Phone, deed: Deed, cause: HangupCause, moment: float, killed: bool
) -> None:
    async def tell() -> World:
        world = await meanwhile(phone, deed, moment, killed=killed)
        await asyncio.sleep(8)
        assert not world.asterisk.living(), "somebody is left alone"
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == cause


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("moment", COMPARING)
def test_somebody_answers_while_the_exchange_compares(moment: float, killed: bool) -> None:
    async def tell() -> World:
        world = await meanwhile(RINGS, callee_answers, moment, killed=killed)
        await world.until(lambda: "answered" in world.events(), within=5)
        await asyncio.sleep(40)
        assert len(world.asterisk.living()) == 2, "they do not talk any more"
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("killed", [True, False])
def test_the_answer_is_told_twice(killed: bool) -> None:
    """By the comparison, and by its own event, which was still on the way."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): RINGS})
        await world.switchboard.reconcile()
        await dials(world, hangs_up=60)
        await asyncio.sleep(5)
        asterisk, leg = world.asterisk, world.legs()[0]
        asterisk.deaf = True
        callee_answers(world)
        asterisk.deaf = False
        if killed:
            world = world.next_process()
        await world.switchboard.reconcile()
        asterisk.emit(events.StateChanged(asterisk.now(), leg.id, "Up"))
        await asyncio.sleep(10)
        assert len(asterisk.living()) == 2, "they do not talk any more"
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("hangs_up", [0.0, 0.03, 0.05, 0.07, 0.08, 0.09, 0.1, 0.11])
def test_call_comes_and_goes_while_the_open_calls_are_read(hangs_up: float) -> None:
    """It is in what Postgres says and is over when Postgres has said it: it ends once."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): RINGS}, delays=(0.01,), reading=0.05)
        comparing = asyncio.create_task(world.switchboard.reconcile())
        caller = await dials(world)
        world.asterisk.at(hangs_up, partial(world.asterisk.end, caller))
        await comparing
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == HangupCause.CANCEL


# what is not as it was


@pytest.mark.parametrize("phone", [ANSWERS, RINGS])
def test_callees_row_is_gone_when_the_next_process_comes(phone: Phone) -> None:
    """A deleted or renumbered row ends no conversation, and leaves nobody behind."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): phone})
        await world.switchboard.reconcile()
        await dials(world, hangs_up=30)
        await asyncio.sleep(5)
        world = world.next_process()
        world.book.extensions.forget([identity("1002")])
        await world.switchboard.reconcile()
        await asyncio.sleep(10)
        talking = len(world.asterisk.living()) == 2
        await world.over()
        check(world)
        assert talking == (phone is ANSWERS)
        return world

    run(tell())


def test_asterisk_restarts() -> None:
    """Every call ends once: the one that talks, the one that rings, the one that is dialled."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS, endpoint("1003"): RINGS})
        await world.switchboard.reconcile()
        await dials(world)
        await dials(world, number="1003")
        await asyncio.sleep(5)
        await dials(world, number="1003")
        world.asterisk.restart(EPOCH + timedelta(seconds=5))
        await asyncio.sleep(5)
        world.asterisk.connect(world.asterisk.inboxes)
        await world.switchboard.reconcile()
        await world.exchange.settled()
        await asyncio.sleep(20)
        check(world)
        return world

    world = run(tell())
    ends = [record["end"]["hangup_cause"] for record in world.records if "end" in record]
    assert ends == ["system_restart"] * 2  # the third had not reached the exchange


@pytest.mark.parametrize("phone", [ANSWERS, RINGS])
def test_asterisk_and_the_process_restart(phone: Phone) -> None:
    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): phone})
        await world.switchboard.reconcile()
        await dials(world)
        await asyncio.sleep(5)
        world.asterisk.restart(EPOCH + timedelta(seconds=5))
        world = world.next_process()
        await world.switchboard.reconcile()
        await asyncio.sleep(20)
        check(world)
        return world

    world = run(tell())
    assert world.cause() == HangupCause.SYSTEM_RESTART
    assert world.row()["ended_at"].startswith("2026-01-01T00:00:03.")  # last known to live


def test_first_call_after_a_restart_of_asterisk_is_none_of_those_before() -> None:
    """It comes when the events flow again, before the comparison has begun."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        await world.switchboard.reconcile()
        world.asterisk.restart(EPOCH + timedelta(seconds=5))
        await asyncio.sleep(10)
        world.asterisk.connect(world.asterisk.inboxes)
        await dials(world, hangs_up=20)
        await world.until(lambda: world.switchboard.calls)
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == HangupCause.NORMAL_CLEARING


def test_call_that_began_before_the_first_comparison_is_of_this_asterisk() -> None:
    """Killed later and ended unwatched, it is not taken for one of an earlier Asterisk."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        caller = await dials(world)
        await world.until(lambda: world.switchboard.calls)
        await world.switchboard.reconcile()
        await asyncio.sleep(5)
        world = world.next_process()
        world.asterisk.deaf = True
        world.asterisk.end(caller)
        world.asterisk.deaf = False
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    assert run(tell()).cause() == HangupCause.NORMAL_CLEARING


def test_leg_that_could_not_be_hung_up_is_hung_up_after_the_reconnection() -> None:
    """Asterisk served nothing for so long that all attempts have failed."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        await world.switchboard.reconcile()
        await dials(world, hangs_up=5)
        await asyncio.sleep(4)
        world.asterisk.sealed = True  # every request fails
        await asyncio.sleep(30)
        assert world.asterisk.living()
        world.asterisk.connect(world.asterisk.inboxes)
        await world.switchboard.reconcile()
        await world.exchange.settled()
        await asyncio.sleep(20)
        check(world)
        return world

    run(tell())
