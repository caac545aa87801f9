"""The process is killed, or its connection breaks, at any request: the call still ends well."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.words import HangupCause
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .restarts import Machine
from .stage import (
    ANSWERS,
    BUSY,
    NUMBER,
    OVERLOADED,
    RINGS,
    SILENT,
    carriers,
    dials,
    with_trunks,
    world_of,
)
from .test_random_stories import Scenario, dial_all, patient, scenarios, world_in
from .world import World, endpoint

PLACES = [endpoint("1002", place, 2) for place in range(2)]
LATER = Phone(rings=0.1, answers=8.0)
ANNOUNCES = Phone(rings=None, progresses=0.5, answers=8.0)
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
    "outside": Story(carriers(ANSWERS), number=NUMBER),
    "second_trunk": Story(carriers(OVERLOADED), number=NUMBER),
    "silent_trunk": Story(carriers(SILENT), number=NUMBER),
    "outside_busy": Story(carriers(BUSY), number=NUMBER),
    "no_trunk": Story(carriers(OVERLOADED, OVERLOADED), number=NUMBER),
    "forwarded_outside": Story(carriers(ANSWERS), columns={"forward_unconditional": NUMBER}),
    "early_media": Story(carriers(ANNOUNCES), number=NUMBER),
    "forbidden": Story({}, number="*285"),
}


async def enact(story: Story, prepare: Callable[[Machine, int], None]) -> World:
    """Tell a story of half a minute whose interruptions `prepare` has planned.

    `prepare` is given the number of the first request.
    """
    world = with_trunks(world_of(phones=dict(story.phones), delays=(0.005,)))
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
        machine.world.set(calls__max_hops=0)  # nor is that a forward
        machine.kill_at(first + request_number, 0.5, sent=sent)

    world = run(enact(STORIES["talk"], kill))
    assert world.asterisk.together
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("name", ["busy", "unknown", "outside_busy", "no_trunk", "forbidden"])
def test_killed_while_it_refuses_ends_with_the_cause_it_has_decided(name: str, sent: bool) -> None:
    story = STORIES[name]
    undisturbed_world = run(undisturbed(story))
    last = requests_of(story)[-1]

    def kill(machine: Machine, first: int) -> None:
        machine.kill_at(first + last, 0.5, sent=sent)

    assert run(enact(story, kill)).cause() == undisturbed_world.cause()


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
