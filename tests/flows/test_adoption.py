"""A process goes, another comes: what it finds, it continues."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stasis_app.words import BlacklistType, HangupCause
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .restarts import killed_on_arrival, reconnected, taken_over, to_the_end
from .rows import blacklisted
from .stage import ANSWERS, RINGS, Act, dials, world_of
from .world import World, endpoint

Away = Callable[[dict[str, Phone], float, float, Act], Awaitable[World]]

LATER = Phone(rings=0.1, answers=8.0)


async def next_process(world: World) -> World:
    """Let the process be killed, and another one begin."""
    successor = world.next_process()
    await successor.switchboard.reconcile()
    return successor


async def caller_hangs_up(world: World) -> None:
    world.asterisk.end(world.asterisk.callers[0])
    await world.over()
    check(world)


def test_two_people_go_on_talking() -> None:
    async def tell() -> None:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        await dials(world)
        await asyncio.sleep(5)
        world = await next_process(world)
        await asyncio.sleep(5)
        assert len(world.asterisk.living()) == 2
        await caller_hangs_up(world)
        assert world.events() == ["arrived", "offered", "rang", "answered", "adopted", "ended"]
        assert world.cause() == HangupCause.NORMAL_CLEARING

    run(tell())


def test_ringing_goes_on_and_is_answered() -> None:
    async def tell() -> None:
        world = world_of(phones={endpoint("1002"): LATER})
        await dials(world)
        await asyncio.sleep(5)
        world = await next_process(world)
        await asyncio.sleep(10)
        assert world.asterisk.together
        await caller_hangs_up(world)
        assert world.events() == ["arrived", "offered", "rang", "adopted", "answered", "ended"]

    run(tell())


def test_callee_hangs_up_while_nobody_watches() -> None:
    """A conversation that is over is not forwarded and not unanswered."""

    async def tell() -> None:
        world = world_of(phones={endpoint("1002"): ANSWERS, endpoint("1003"): RINGS})
        world.extension("1002", forward_on_no_answer="1003")
        await dials(world)
        await asyncio.sleep(5)
        successor = world.next_process()
        world.asterisk.deaf = True
        world.asterisk.end(world.legs()[0])
        world.asterisk.deaf = False
        await successor.switchboard.reconcile()
        await successor.over()
        check(successor)
        assert "forwarded" not in successor.events()
        assert successor.cause() == HangupCause.NORMAL_CLEARING

    run(tell())


@pytest.mark.parametrize("way", [taken_over, reconnected])
def test_callee_answers_and_hangs_up_while_nobody_watches(way: Away) -> None:
    """The answer has passed to the caller by itself: that is no call without an answer."""
    phones = {endpoint("1002"): Phone(rings=0.1, answers=8.0, hangs_up=1.0)}

    async def forwards(world: World) -> None:
        world.extension("1002", forward_on_no_answer="1003")
        await dials(world, hangs_up=60.0)

    async def tell() -> World:
        return await to_the_end(await way(phones, 5.0, 10.0, forwards))

    world = run(tell())
    assert world.dialled() == [endpoint("1002")]
    assert world.details("hung_up") == [{"by": "1002", "unwatched": True}]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_user_agent_is_known_to_the_process_that_takes_over_at_the_arrival() -> None:
    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        world.keep(blacklist=blacklisted(BlacklistType.USER_AGENT, "scanner"))
        killed_on_arrival(world)
        world.asterisk.call("1001", "1002", agent="friendly-scanner")
        await asyncio.sleep(1)
        return await to_the_end(await next_process(world))

    world = run(tell())
    assert world.events() == ["arrived", "adopted", "refused", "ended"]
    assert world.reasons() == ["blacklist"]


def test_bridge_that_was_made_and_is_still_empty() -> None:
    """Killed between the bridge and the two who were to be in it: they still come to talk."""

    async def tell() -> None:
        phones = {endpoint("1002", 0, 2): ANSWERS, endpoint("1002", 1, 2): RINGS}
        world = world_of(phones=phones, delays=(0.05,))
        world.extension("1002", contacts=2)
        await dials(world)
        await world.until(lambda: world.asterisk.bridges_made)
        world = await next_process(world)
        await world.until(lambda: world.asterisk.together, within=10)
        await caller_hangs_up(world)

    run(tell())


def test_leaving_process_takes_no_new_call() -> None:
    """The next process finds it in Asterisk and serves it from its beginning."""

    async def tell() -> None:
        world = world_of(phones={endpoint("1002"): ANSWERS})
        world.switchboard.stop()
        await dials(world)
        await asyncio.sleep(2)
        assert not world.records
        world = await next_process(world)
        await world.until(lambda: world.asterisk.together, within=10)
        await caller_hangs_up(world)

    run(tell())


def test_leaving_process_writes_nothing() -> None:
    async def tell() -> None:
        world = world_of(phones={endpoint("1002"): LATER})
        await dials(world)
        await asyncio.sleep(5)
        world.switchboard.stop()
        written = len(world.records)
        await asyncio.sleep(10)
        assert len(world.records) == written
        assert len(world.asterisk.living()) == 2
        world = await next_process(world)
        await asyncio.sleep(5)
        await caller_hangs_up(world)

    run(tell())


def test_forwards_before_the_restart_count() -> None:
    """Two who forward to each other do so for ever, if each process begins to count anew."""

    async def tell() -> World:
        world = world_of(phones={endpoint("1002"): RINGS, endpoint("1003"): RINGS})
        world.set(calls__max_hops=3)
        world.extension("1002", forward_on_no_answer="1003", ring_seconds=10.0)
        world.extension("1003", forward_on_no_answer="1002", ring_seconds=10.0)
        await dials(world)
        for _ in range(5):
            await asyncio.sleep(9)
            world = await next_process(world)
        await world.over()
        check(world)
        return world

    world = run(tell())
    assert world.events().count("offered") == 4
    assert world.cause() == HangupCause.LOOP_DETECTED
