"""The process is killed, or its connection breaks, while a message is left: it arrives once."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import delivered, with_box
from .restarts import Machine
from .stage import ANSWERS, world_of
from .voicemail_stage import DIRECTLY, arriving, nothing_is_lost, why_discarded
from .world import World, endpoint

RECONCILING = 4  # requests of a comparison


class Story(NamedTuple):
    """Keys by the second in which they are pressed, from and to when somebody speaks, and goes."""

    keys: Mapping[float, str]
    talks: tuple[tuple[float, float], ...]
    hangs_up: float = 100.0
    number: str = DIRECTLY
    phones: Mapping[str, Phone] = {}


STORIES = {
    "accepts": Story({1: "#", 8: "#", 10: "1"}, ((2, 7),)),
    "says_nothing": Story({1: "#"}, ((2, 7),)),
    "hangs_up": Story({1: "#"}, ((2, 7),), hangs_up=7),
    "hangs_up_in_the_review": Story({1: "#", 8: "#", 10: "2"}, ((2, 7),), hangs_up=13),
    "records_again": Story({1: "#", 8: "#", 9: "43", 20: "#", 22: "1"}, ((2, 7), (10, 19))),
    "is_too_short": Story({1: "#", 3: "#", 14: "#", 16: "1"}, ((2, 3), (8, 13))),
    "asks_for_the_operator": Story(
        {1: "#", 8: "#", 10: "0"}, ((2, 7),), phones={endpoint("1003"): ANSWERS}
    ),
    "nobody_answers": Story({27: "#", 38: "#", 40: "1"}, ((28, 36),), number="1002"),
}


def set_up(story: Story) -> World:
    world = world_of(phones=dict(story.phones), delays=(0.005,))
    with_box(world, "1002", operator="1003")
    return world


def begin(world: World, story: Story) -> None:
    caller = world.asterisk.call("1001", story.number)
    for second, keys in story.keys.items():
        world.asterisk.at(second, partial(world.asterisk.press, caller, keys))
    caller.talks += story.talks
    world.asterisk.at(story.hangs_up, partial(world.asterisk.end, caller))


async def enact(story: Story, prepare: Callable[[Machine, int], None]) -> World:
    """Tell a story of two minutes whose interruptions `prepare` has planned."""
    world = set_up(story)
    machine = Machine(world)
    await world.switchboard.reconcile()
    prepare(machine, len(world.asterisk.requests))
    begin(world, story)
    await machine.over(200)
    check(machine.world)
    nothing_is_lost(machine.world)
    return machine.world


def undisturbed(story: Story) -> World:
    return run(enact(story, lambda machine, first: None))


def requests_of(story: Story) -> range:
    return range(len(undisturbed(story).asterisk.requests) - RECONCILING)


@pytest.mark.parametrize("name", STORIES)
def test_undisturbed(name: str) -> None:
    """The stories are what they say they are."""
    world = undisturbed(STORIES[name])
    assert len(arriving(world)) == len(delivered(world)) == 1
    given_up = {"records_again": ["recorded_again"], "is_too_short": ["too_short"]}
    assert why_discarded(world) == given_up.get(name, [])
    assert len(world.legs()) == (name in ("asks_for_the_operator", "nobody_answers"))


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, away: float, sent: bool) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        world = run(enact(story, kill))
        if name in ("accepts", "says_nothing", "hangs_up_in_the_review"):
            assert len(arriving(world)) == 1, f"lost at request {request}"


class Dying(list[Mapping[str, Any]]):
    """A journal after whose so-manieth record the process is killed, before it writes the next."""

    def __init__(self, last: int, kill: Callable[[], None]) -> None:
        super().__init__()
        self._last, self._kill = last, kill

    def append(self, record: Mapping[str, Any]) -> None:
        super().append(record)
        if len(self) == self._last:
            self._kill()


async def killed_after(record: int, story: Story) -> World:
    world = set_up(story)
    world.records = Dying(record, world.kill)
    begin(world, story)
    await world.until(lambda: world.exchange.leaving or "ended" in world.events(), within=150)
    world = world.next_process()
    await world.switchboard.reconcile()
    await world.over()
    check(world)
    nothing_is_lost(world)
    return world


@pytest.mark.parametrize("name", STORIES)
def test_killed_after_any_record(name: str) -> None:
    """Two records that belong together are not written at once."""
    story = STORIES[name]
    for record in range(1, len(undisturbed(story).records)):
        world = run(killed_after(record, story))
        if name in ("accepts", "records_again"):
            assert len(arriving(world)) == 1, f"lost after record {record}"


@pytest.mark.parametrize("again", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["accepts", "records_again"])
def test_killed_twice(name: str, again: int) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, 0.1, sent=True)
            machine.kill_at(first + request + again, 0.1, sent=True)

        assert len(arriving(run(enact(story, kill)))) == 1, f"lost at request {request}"


@pytest.mark.parametrize("away", [0.05, 3.0])
@pytest.mark.parametrize("name", STORIES)
def test_connection_breaks_at_any_request(name: str, away: float) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def cut(machine: Machine, first: int, request: int = request) -> None:
            machine.disconnect_at(first + request, away)

        run(enact(story, cut))
