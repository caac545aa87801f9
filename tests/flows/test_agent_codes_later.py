"""What follows the codes of agents: calls that wait, and processes that go on."""

import asyncio
from functools import partial

import pytest

from stasis_app.rules.sentences import Sentence
from stasis_app.words import HangupCause
from tests.support.virtual_time import run

from .agent_stage import (
    BREAK,
    LOGGED_OUT,
    OFFLINE,
    SALES,
    WRONG,
    knows_the_pin,
    note,
    staffed,
    state,
    wants,
)
from .invariants import check
from .mailbox_stage import PIN, Owner, Scene, told, with_box
from .rows import identity
from .stage import ANSWERS, dials
from .world import World, endpoint


def test_who_logs_in_is_rung_at_once() -> None:
    """When he has put down the receiver, after which his phone is free."""

    async def tell() -> World:
        world = staffed(ANSWERS)
        wants(OFFLINE)(world)
        world.exchange.floor.open()
        await dials_as(world, "1002", SALES, 60.0)
        await asyncio.sleep(10)
        assert not world.legs()
        world.asterisk.call("1001", "*45")
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert world.dialled() == [endpoint("1001")]
    logged_in = next(call for call in calls_of(world) if "agent_state" in world.events(call))
    assert world.legs()[0].made_at == pytest.approx(ended_at(world, logged_in), abs=0.2)
    assert "CONNECT" in world.events()


def test_whom_another_phone_logs_in_is_rung_at_once() -> None:
    async def tell() -> World:
        world = staffed(ANSWERS)
        with_box(world)
        wants(OFFLINE, "sales")(world)
        world.exchange.floor.open()
        await dials_as(world, "1002", SALES, 60.0)
        await asyncio.sleep(10)
        assert not world.legs()
        return await told(knows_the_pin, world, "*45*1001*500", "1003")

    world = run(tell())
    assert world.dialled() == [endpoint("1001")]
    assert world.legs()[0].made_at == pytest.approx(world.second_of("agent_state"), abs=0.2)


def test_who_ends_a_break_is_rung_and_who_begins_one_is_not() -> None:
    async def tell() -> World:
        world = staffed(ANSWERS)
        world.exchange.floor.open()
        world.asterisk.call("1001", "*461")
        await asyncio.sleep(10)
        await dials_as(world, "1002", SALES, 60.0)
        await asyncio.sleep(10)
        assert not world.legs()
        world.asterisk.call("1001", "*461")
        await world.over()
        check(world)
        return world

    assert run(tell()).dialled() == [endpoint("1001")]


async def dials_as(world: World, phone: str, number: str, hangs_up: float) -> None:
    caller = world.asterisk.call(phone, number)
    world.asterisk.at(hangs_up, partial(world.asterisk.end, caller))


def calls_of(world: World) -> list[str]:
    return list(dict.fromkeys(record["call"] for record in world.records if "begin" in record))


def ended_at(world: World, call: str) -> float:
    """Virtual time at which the end of a call was written."""
    records = zip(world.written_at, world.records, strict=True)
    return next(at for at, one in records if "end" in one and one["call"] == call)


# processes that end


@pytest.mark.parametrize("killed_at", [0.0005, 0.0015, 0.1, 0.3, 0.3015, 0.305, 1.0, 2.0, 2.31])
def test_code_is_done_once_although_another_process_goes_on(killed_at: float) -> None:
    """What logs an agent out must not log him in again."""

    async def tell() -> World:
        world = staffed()
        await dials(world, None, "*45")
        await asyncio.sleep(killed_at)
        world = world.next_process()
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert state(world) == (OFFLINE, "")
    assert world.asterisk.callers[0].was_up
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_what_was_written_is_not_written_again() -> None:
    """Meanwhile somebody else may have wanted something else."""

    async def tell() -> World:
        world = staffed()
        await dials(world, None, "*45")
        await world.until(partial(state, world))
        await asyncio.sleep(0.1)
        world.kill()
        world.agents.want(identity("1001"), None, BREAK, "meeting")
        await asyncio.sleep(1)
        world = world.next_process()
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert state(world) == (BREAK, "meeting")
    assert world.details("agent_state") == [note(OFFLINE)]


async def goes_on_after(seconds: float, keys: str, scene: Scene) -> World:
    """Kill the process so many seconds after keys were pressed at another phone."""
    world = staffed()
    with_box(world)
    caller = world.asterisk.call("1002", "*45*1001")
    owner = Owner(world, caller)
    await owner.hears(Sentence.PIN)
    await owner.presses(keys, wait=seconds)
    world = world.next_process()
    await world.switchboard.reconcile()
    await scene(Owner(world, caller, len(owner.played)))
    await world.over()
    check(world)
    return world


def test_tries_are_counted_although_another_process_goes_on() -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(Sentence.WRONG_PIN, Sentence.PIN)
        await owner.presses(f"{WRONG}#", wait=10.0)
        await owner.presses(f"{WRONG}#")
        await owner.hears(Sentence.WRONG_PIN, Sentence.GOODBYE)

    world = run(goes_on_after(0.5, f"{WRONG}#", scene))
    assert len(world.details("pin_refused")) == 3


@pytest.mark.parametrize("seconds", [0.002, 0.1, 0.5, 1.0])
def test_no_pin_is_asked_for_twice(seconds: float) -> None:
    async def scene(owner: Owner) -> None:
        await owner.hears(LOGGED_OUT)
        await owner.hears_no(Sentence.PIN)

    world = run(goes_on_after(seconds, f"{PIN}#", scene))
    assert state(world) == (OFFLINE, "")
    assert world.mailboxes.callers == [f"extension:{identity('1002')}"]


def test_the_agent_is_gone_meanwhile() -> None:
    async def tell() -> World:
        world = staffed()
        await dials(world, None, "*45")
        await asyncio.sleep(0.1)
        world.kill()
        world.book.extensions.forget([identity("1001")])
        world = world.next_process()
        await world.switchboard.reconcile()
        await world.over()
        check(world)
        return world

    assert run(tell()).reasons() == ["no_agent"]


@pytest.mark.parametrize("gone_at", [0.0005, 0.1, 0.31, 1.0])
def test_caller_hangs_up_at_any_moment(gone_at: float) -> None:
    async def tell() -> World:
        world = staffed()
        await dials(world, gone_at, "*45")
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert state(world) == ((OFFLINE, "") if gone_at > 0.05 else None)
