"""Things that happen at the same moment."""

import asyncio
import gc
from functools import partial

import pytest

from stasis_app.ari import events
from stasis_app.words import HangupCause
from tests.support.fake_phones import Channel, Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .stage import ANSWERS, RINGS, dials, story, world_of
from .world import World, endpoint

BOTH = (endpoint("1002", 0, 2), endpoint("1002", 1, 2))
BOTH_OF_1003 = (endpoint("1003", 0, 2), endpoint("1003", 1, 2))


async def two_phones(world: World) -> None:
    world.extension("1002", contacts=2)
    await dials(world, hangs_up=10)


def test_two_phones_answer_at_once() -> None:
    world = story(two_phones, phones=dict.fromkeys(BOTH, ANSWERS))
    assert world.events().count("answered") == 1
    [both] = world.asterisk.together
    assert len(both) == 2


def test_winner_hangs_up_at_once() -> None:
    phone = Phone(rings=0.1, answers=2.0, hangs_up=0.0005)
    world = story(two_phones, phones={BOTH[0]: phone, BOTH[1]: RINGS})
    assert world.events()[-2:] == ["hung_up", "ended"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_caller_is_gone_before_the_story_begins() -> None:
    """StasisStart and ChannelDestroyed are read from the socket together."""

    async def rings_off(world: World) -> None:
        world.asterisk.end(await dials(world))

    world = story(rings_off, delays=(0.0,))
    gc.collect()  # a story that was never begun is told by its destructor
    assert world.cause() == HangupCause.CANCEL


def test_caller_and_leg_end_together_before_the_leg_has_started() -> None:
    """The caller's hangup is not lost in the leg's."""

    async def both_end(world: World) -> None:
        world.extension("1002", forward_on_no_answer="1003")
        caller = await dials(world)
        await world.until(world.legs)
        await asyncio.sleep(0.5)
        world.asterisk.end(caller)
        world.asterisk.end(world.legs()[0], cause=38)

    world = story(both_end, phones={endpoint("1003"): RINGS}, start_seconds=1.0)
    assert world.events().count("offered") == 1
    assert world.cause() == HangupCause.CANCEL


@pytest.mark.parametrize("late", [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.2])
def test_answer_crosses_the_ring_timeout(late: float) -> None:
    """Either it is answered, or it is forwarded and has never been answered there."""

    async def forwarded(world: World) -> None:
        world.extension("1002", forward_on_no_answer="1003")
        await dials(world, hangs_up=60)

    phones = {
        endpoint("1002"): Phone(rings=0.1, answers=20.0 + late),
        endpoint("1003"): Phone(rings=0.1, answers=5.0),
    }
    world = story(forwarded, phones=phones, delays=(0.05,))
    [answer] = world.details("answered")
    assert (answer["number"] == "1003") == ("forwarded" in world.events())


@pytest.mark.parametrize("late", [0.0, 0.03, 0.06, 0.09, 0.12, 0.15])
def test_answer_crosses_the_callers_hangup(late: float) -> None:
    """The books are closed once, and nothing is written behind their end."""
    phone = Phone(rings=0.1, answers=5.0)
    story(partial(dials, hangs_up=5.2 + late), phones={endpoint("1002"): phone}, delays=(0.05,))


def test_stasis_end_comes_a_while_before_the_end_of_the_channel() -> None:
    """The call ends when Asterisk says so, with nothing sent to a channel that is going."""

    async def slowly(world: World) -> None:
        caller = await dials(world)
        world.asterisk.at(10.0, partial(_goes, world, caller))

    world = story(slowly, phones={endpoint("1002"): ANSWERS})
    assert world.row()["ended_at"] == "2026-01-01T00:00:10.050000+00:00"
    assert world.second_of("ended") < 10.2


def _goes(world: World, caller: Channel) -> None:
    asterisk = world.asterisk
    caller.ended_at = 10.0
    asterisk.emit(events.StasisEnd(asterisk.now(), caller.id))
    asterisk.at(0.05, lambda: asterisk.emit(events.Destroyed(asterisk.now(), caller.id, 16)))


def test_callers_hangup_crosses_ours() -> None:
    """Our request finds no channel; its end is on the way and is still the one that counts."""

    async def refused(world: World) -> None:
        caller = await dials(world, number="1999")
        world.asterisk.before[0] = partial(_goes_at_once, world, caller)

    world = story(refused, delays=(0.001,))
    assert world.second_of("ended") < 0.5
    assert world.row()["ended_at"].startswith("2026-01-01")


def _goes_at_once(world: World, caller: Channel) -> None:
    asterisk = world.asterisk
    caller.ended_at = asyncio.get_running_loop().time()
    end = events.Destroyed(asterisk.now(), caller.id, 16)
    asterisk.at(0.1, lambda: asterisk.emit(end))


def test_call_begins_while_the_exchange_compares_with_asterisk() -> None:
    """What came after Asterisk was asked is not missing from its answer."""

    async def meanwhile() -> None:
        world = world_of(phones={endpoint("1002"): ANSWERS}, delays=(0.1,))
        comparing = asyncio.create_task(world.switchboard.reconcile())
        await world.until(lambda: ("bridges", "") in world.asterisk.requests)
        caller = await dials(world)
        await comparing
        await world.until(lambda: world.asterisk.together, within=10)
        world.asterisk.end(caller)
        await world.over()
        check(world)
        assert world.cause() == HangupCause.NORMAL_CLEARING

    run(meanwhile())


def test_leg_can_not_be_made() -> None:
    world = story(dials, faults={0: Fault.REFUSED})
    assert world.cause() == HangupCause.UNAVAILABLE


@pytest.mark.parametrize("late", [0.0, 0.03, 0.06, 0.09, 0.12, 0.15])
def test_hold_crosses_the_callers_hangup(late: float) -> None:
    """Nothing is written behind the end of the call."""
    phone = Phone(rings=0.1, answers=2.0, holds=(3.0, 3.04))
    story(partial(dials, hangs_up=5.2 + late), phones={endpoint("1002"): phone}, delays=(0.05,))


def test_ringback_that_failed_is_not_sent_again_to_an_answered_caller() -> None:
    """Asterisk would play it into the conversation."""
    phones = {BOTH[0]: Phone(rings=0.1, answers=2.0), BOTH[1]: RINGS}
    story(two_phones, phones=phones, faults={4: Fault.UNREACHABLE})


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.LOST])
@pytest.mark.parametrize("request_number", range(4))
def test_answer_to_a_request_gets_lost(request_number: int, fault: Fault) -> None:
    """Either two people talk, or the caller is told at once."""
    phones = {endpoint("1002"): ANSWERS}
    world = story(partial(dials, hangs_up=60), phones=phones, faults={request_number: fault})
    talked = world.row().get("answered_at") is not None
    assert world.second_of("ended") > 59 if talked else world.second_of("ended") < 12


@pytest.mark.parametrize("number", ["1002", "1003"])
@pytest.mark.parametrize("request_number", range(4))
def test_caller_is_gone_before_we_are_told(request_number: int, number: str) -> None:
    """Asterisk's refusal of a request overtakes the event that says why: it is the caller's."""

    async def cancels(world: World) -> None:
        world.extension("1002", forward_on_no_answer="1003")
        world.extension("1003", contacts=2)
        caller = await dials(world, number=number)
        world.asterisk.before[request_number] = partial(world.asterisk.end_untold, caller, 0.05)

    phones = {endpoint("1002"): RINGS, **dict.fromkeys(BOTH_OF_1003, ANSWERS)}
    world = story(cancels, phones=phones)
    assert world.events().count("offered") == 1
    assert world.cause() == HangupCause.CANCEL
