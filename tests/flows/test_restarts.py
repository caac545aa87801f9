"""The process is killed, or its connection breaks, at any request: the call still ends well."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.words import HangupCause
from tests.support.fake_asterisk import EPOCH, Phone
from tests.support.virtual_time import run

from .invariants import check
from .restarts import Machine
from .stage import ANSWERS, BUSY, RINGS, dials, world_of
from .test_random_stories import Scenario, dial_all, patient, scenarios, world_in
from .world import World, endpoint

PLACES = [endpoint("1002", place, 2) for place in range(2)]
LATER = Phone(rings=0.1, answers=8.0)
HANGS_UP = Phone(rings=0.1, answers=2.0, hangs_up=3.0)
RECONCILING = 4  # requests of a comparison


class Story(NamedTuple):
    """Phones of 1002 and 1003, how many of them 1002 has, and its row."""

    phones: Mapping[str, Phone]
    contacts: int = 1
    columns: Mapping[str, Any] = MappingProxyType({})
    number: str = "1002"


STORIES = {
    "talk": Story({endpoint("1002"): ANSWERS}),
    "two_phones": Story({PLACES[0]: ANSWERS, PLACES[1]: RINGS}, contacts=2),
    "forwarded": Story(
        {endpoint("1002"): RINGS, endpoint("1003"): ANSWERS},
        columns={"forward_on_no_answer": "1003", "ring_seconds": 5.0},
    ),
    "busy": Story({endpoint("1002"): BUSY}),
    "unknown": Story({}, number="1999"),
    "callee_hangs_up": Story({endpoint("1002"): HANGS_UP}),
}


async def enact(story: Story, prepare: Callable[[Machine, int], None]) -> World:
    """Tell a story of half a minute whose interruptions `prepare` has planned.

    `prepare` is given the number of the first request.
    """
    world = world_of(phones=dict(story.phones), delays=(0.005,))
    world.extension("1002", story.contacts, **story.columns)
    machine = Machine(world)
    await world.switchboard.reconcile()
    prepare(machine, len(world.asterisk.requests))
    await dials(world, hangs_up=30, number=story.number)
    await machine.over(100)
    check(machine.world)
    return machine.world


async def undisturbed(story: Story) -> World:
    return await enact(story, lambda machine, first: None)


def requests_of(story: Story) -> range:
    world = run(undisturbed(story))
    return range(len(world.asterisk.requests) - RECONCILING)


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, away: float, sent: bool) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        run(enact(story, kill))


@pytest.mark.parametrize("again", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", STORIES)
def test_killed_twice(name: str, again: int) -> None:
    """The second time while it compares itself with Asterisk, or just after."""
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, 0.1, sent=True)
            machine.kill_at(first + request + again, 0.1, sent=True)

        run(enact(story, kill))


@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_connection_breaks_at_any_request(name: str, away: float) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def cut(machine: Machine, first: int, request: int = request) -> None:
            machine.disconnect_at(first + request, away)

        run(enact(story, cut))


@pytest.mark.parametrize("request_number", [0, 1, 2, 3])
@pytest.mark.parametrize("sent", [True, False])
def test_killed_while_it_dials_rings_again(request_number: int, sent: bool) -> None:
    """The caller has been waiting for a moment only: the phone is still to be rung."""

    def kill(machine: Machine, first: int) -> None:
        machine.kill_at(first + request_number, 0.5, sent=sent)

    world = run(enact(STORIES["talk"], kill))
    assert world.asterisk.together
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("name", ["busy", "unknown"])
def test_killed_while_it_refuses_ends_with_the_cause_it_has_decided(name: str, sent: bool) -> None:
    story = STORIES[name]
    undisturbed_world = run(undisturbed(story))
    last = requests_of(story)[-1]

    def kill(machine: Machine, first: int) -> None:
        machine.kill_at(first + last, 0.5, sent=sent)

    assert run(enact(story, kill)).cause() == undisturbed_world.cause()


# what people do in the moment of comparison

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
        del world.directory.extensions["1002"]
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
    assert world.row()["ended_at"] == "2026-01-01T00:00:05+00:00"


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


interruptions = st.lists(
    st.tuples(
        st.integers(RECONCILING, 25),
        st.sampled_from([0.05, 0.5, 3.0]),
        st.sampled_from(["killed", "killed before it is sent", "disconnected"]),
    ),
    min_size=1,
    max_size=3,
)


async def interrupted(scenario: Scenario, plan: list[tuple[int, float, str]]) -> World:
    world = world_in(scenario)
    machine = Machine(world)
    await world.switchboard.reconcile()
    for request, away, how in plan:
        if how == "disconnected":
            machine.disconnect_at(request, away)
        else:
            machine.kill_at(request, away, sent=how == "killed")
    dial_all(world.asterisk, scenario)
    await asyncio.sleep(10)
    for channel in world.asterisk.callers:
        world.asterisk.at(300.0, partial(world.asterisk.end, channel))
    await machine.over(500)
    return machine.world


@given(scenarios(st.just({})), interruptions)
@settings(patient, max_examples=150)
def test_every_story_ends_whatever_restarts(
    scenario: Scenario, plan: list[tuple[int, float, str]]
) -> None:
    check(run(interrupted(scenario, plan)))
