"""The process goes while a caller is in a menu, and another comes: only a moment is lost."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from stasis_app.words import HangupCause
from tests.support.fake_phones import Fault, Phone
from tests.support.virtual_time import run

from .invariants import check
from .menus import (
    BEFORE,
    BEGINS,
    BYE,
    PHONES,
    SUB,
    TRY_AGAIN,
    WELCOME,
    WRONG_KEY,
    Keys,
    Prepare,
    calls,
    change,
    heard,
    heard_at,
    option,
    with_menus,
)
from .restarts import Machine, reconnected, to_the_end
from .rows import identity, inbound_rule, to_extension, to_menu, to_outside
from .stage import DID, NUMBER, world_of
from .test_restarts import RECONCILING
from .world import World, endpoint, over


def leave(world: World) -> None:
    """Change nothing."""


def killed(
    keys: Keys,
    at: float,
    prepare: Prepare = leave,
    meanwhile: Prepare = leave,
) -> World:
    """Kill the process at a second; rows are changed before another comes."""

    async def tell() -> World:
        world = with_menus(world_of(phones=PHONES))
        prepare(world)
        await calls(world, keys)
        await asyncio.sleep(at)
        world.kill()
        meanwhile(world)
        await asyncio.sleep(1.0)
        successor = world.next_process()
        await successor.switchboard.reconcile()
        return await to_the_end(successor)

    return run(tell())


def test_menu_is_said_again_at_once() -> None:
    world = killed({5.0: "1"}, at=2.0)
    assert heard(world) == [WELCOME, WELCOME]
    assert heard_at(world, WELCOME)[1] == pytest.approx(3.0, abs=0.05)
    assert world.dialled() == [endpoint("1002")]
    assert world.details("menu_entered") == [{"menu": "main"}, {"menu": "main", "again": "adopted"}]


@pytest.mark.parametrize("at", [0.0005, 0.002, 0.1, 0.3035])
def test_killed_before_the_prompt(at: float) -> None:
    """The answer counts once."""
    world = killed({5.0: "1"}, at=at)
    assert world.events().count("answered") == 1
    assert world.answered_at() < 1.5
    assert world.dialled() == [endpoint("1002")]


def test_sub_menu_is_said_again_and_not_the_first() -> None:
    world = killed({1.0: "2", 5.0: "1"}, at=2.0)
    assert heard(world) == [WELCOME, SUB, SUB]
    assert world.dialled() == [endpoint("1001")]


def test_tries_that_are_used_up_stay_so() -> None:
    """One wrong key before, one behind: with one retry that is the end."""
    world = killed({1.0: "9", 10.0: "9"}, at=5.0, prepare=partial(change, max_retries=1))
    assert heard(world) == [WELCOME, WRONG_KEY, WELCOME, WELCOME, BYE]


def test_silence_counts_after_wrong_keys() -> None:
    world = killed({1.0: "9"}, at=5.0, prepare=partial(change, max_retries=1))
    assert heard(world) == [WELCOME, WRONG_KEY, WELCOME, WELCOME, TRY_AGAIN, WELCOME, BYE]


def before(world: World) -> None:
    option(world, "6", to_extension("1001"), pre_transfer_prompt=identity(BEFORE))


def test_what_was_chosen_stays_chosen() -> None:
    world = killed({1.0: "6"}, at=2.0, prepare=before)
    assert heard(world) == [WELCOME, BEFORE, BEFORE]
    assert world.dialled() == [endpoint("1001")]


def test_what_was_chosen_is_no_option_any_more() -> None:
    def forget(world: World) -> None:
        world.book.ivr_menu_options.forget([identity("main 6")])

    world = killed({1.0: "6", 5.0: "1"}, at=2.0, prepare=before, meanwhile=forget)
    assert heard(world) == [WELCOME, BEFORE, WELCOME]
    assert world.dialled() == [endpoint("1002")]


@pytest.mark.parametrize(("keys", "at"), [({1.0: "0"}, 2.0), ({}, 32.0)])
def test_goodbye_is_said_and_no_menu(keys: Keys, at: float) -> None:
    world = killed(keys, at=at)
    assert heard(world)[-2:] == [BYE, BYE]
    assert world.details("announced") == [{"sentence": "goodbye"}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_prompt_in_place_of_goodbye_is_said_again() -> None:
    def prepare(world: World) -> None:
        option(world, "6", None, pre_transfer_prompt=identity(BEFORE))

    assert heard(killed({1.0: "6"}, at=2.0, prepare=prepare)) == [WELCOME, BEFORE, BEFORE]


@pytest.mark.parametrize("keys", [{}, {1.0: "6"}])
def test_menu_that_is_deleted_meanwhile(keys: Keys) -> None:
    def forget(world: World) -> None:
        world.book.ivr_menus.forget([identity("main")])

    world = killed(keys, at=2.0, prepare=before, meanwhile=forget)
    assert heard(world)[-1] == BYE
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_language_stays() -> None:
    def german(world: World) -> None:
        world.keep(inbound_rules=inbound_rule("in", DID, to_menu("main"), language="de"))

    assert heard(killed({5.0: "0"}, at=2.0, prepare=german))[-1] == "de/vm-goodbye"


def test_who_was_called_stays() -> None:
    """The carrier is told which of our numbers sends the call on."""
    [leg] = killed({5.0: "3"}, at=2.0).legs()
    assert leg.endpoint == over("A", NUMBER)
    assert leg.variables["REDIRECTING(from-num,i)"] == DID


def test_menus_are_counted_over_restarts() -> None:
    def prepare(world: World) -> None:
        world.set(ivr__max_menus=2)

    world = killed({1.0: "2", 5.0: "*"}, at=2.0, prepare=prepare)
    assert heard(world) == [WELCOME, SUB, SUB, BYE]


@pytest.mark.parametrize(("after", "keys"), [(4.0, {}), (1.0, {6.0: "9"})])
def test_prompt_that_ends_while_the_connection_is_broken(after: float, keys: Keys) -> None:
    """Nobody was told of its end, and nobody waits for it."""

    async def tell() -> World:
        world = await reconnected(PHONES, after, 4.5 - after, partial(calls, keys=keys))
        return await to_the_end(world)

    world = run(tell())
    assert heard(world)[1] == (WRONG_KEY if keys else TRY_AGAIN)
    assert heard_at(world, WELCOME)[1] < 12


def test_prompt_of_the_second_process_is_stopped_by_the_third() -> None:
    async def tell() -> World:
        world = with_menus(world_of(phones=PHONES))
        await calls(world, {8.0: "1"})
        for _ in range(2):
            await asyncio.sleep(2.0)
            world.kill()
            await asyncio.sleep(0.5)
            world = world.next_process()
            await world.switchboard.reconcile()
        return await to_the_end(world)

    world = run(tell())
    assert heard_at(world, WELCOME) == pytest.approx([BEGINS, 2.51, 5.02], abs=0.05)
    assert world.dialled() == [endpoint("1002")]


async def leaves_a_message(dies: int | None = None, refused: int | None = None) -> World:
    """Press 1, whose extension does not answer, and # at the greeting of its box.

    The process is killed before it sends the request `dies`; another request is `refused`.
    """
    phones = {endpoint("1003"): Phone()}
    faults = {} if refused is None else {refused: Fault.REFUSED}
    world = with_menus(world_of(phones=phones, faults=faults))
    option(world, "1", to_extension("1003"))
    world.set(calls__default_ring_seconds=5)
    machine = Machine(world)
    if dies is not None:
        machine.kill_at(dies, 0.05, sent=False)
    await calls(world, {1.0: "1", 6.1: "#"}, hangs_up=20.0)
    await machine.over(60)
    return machine.world


def test_bridge_of_the_process_that_is_gone_spoils_no_message() -> None:
    """Asterisk records nobody who is in a bridge, and this one takes its time to go."""
    requests = [verb for verb, _ in run(leaves_a_message()).asterisk.requests]
    dies = requests.index("destroy_bridge")
    requests = [verb for verb, _ in run(leaves_a_message(dies)).asterisk.requests]
    refused = requests.index("destroy_bridge", dies + 1)
    world = run(leaves_a_message(dies, refused))
    check(world)
    assert "refused" not in world.events()
    assert len(world.details("message_left")) == 1


# at any request

STORIES: dict[str, Keys] = {
    "choose": {1.0: "1"},
    "choose_behind_the_prompt": {6.0: "1"},
    "sub_menu": {1.0: "2", 4.0: "1"},
    "ahead": {0.1: "2*1"},
    "outside": {1.0: "3"},
    "wrong_keys": {1.0: "9", 4.0: "9", 9.0: "1"},
    "silence": {},
    "goodbye": {1.0: "0"},
    "before": {1.0: "6"},
    "closed_queue": {1.0: "5"},
}


async def enact(keys: Keys, plan: Callable[[Machine, int], None]) -> Machine:
    """Tell a story of a minute whose interruptions are planned, from the first request on."""
    world = with_menus(world_of(phones=PHONES, delays=(0.005,)), on_timeout=to_outside(NUMBER))
    before(world)
    machine = Machine(world)
    await world.switchboard.reconcile()
    plan(machine, len(world.asterisk.requests))
    await calls(world, keys, hangs_up=60.0)
    await machine.over(150)
    check(machine.world)
    return machine


def requests_of(keys: Keys) -> range:
    world = run(enact(keys, lambda machine, first: None)).world
    return range(len(world.asterisk.requests) - RECONCILING)


@pytest.mark.parametrize(("away", "sent"), [(0.05, True), (3.0, False)])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, away: float, sent: bool) -> None:
    requests = requests_of(STORIES[name])
    for request in requests:

        def kill(machine: Machine, first: int, request: int = request) -> None:
            machine.kill_at(first + request, away, sent=sent)

        machine = run(enact(STORIES[name], kill))
        assert machine.interruptions == 1
        assert len(machine.world.asterisk.requests) < 2 * len(requests) + 30


@pytest.mark.parametrize("name", STORIES)
def test_connection_breaks_at_any_request(name: str) -> None:
    for request in requests_of(STORIES[name]):

        def cut(machine: Machine, first: int, request: int = request) -> None:
            machine.disconnect_at(first + request, 0.5)

        run(enact(STORIES[name], cut))
