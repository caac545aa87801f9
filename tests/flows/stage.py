"""Setting the scene of a story: three extensions, the phones that are dialled, and a caller."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_network import Channel, Phone
from tests.support.virtual_time import run

from .invariants import check
from .world import World

BUSY = Phone(rings=None, rejects=(0.1, 17, 486))
DECLINES = Phone(rings=0.1, rejects=(1.0, 21, 603))
ANSWERS = Phone(rings=0.1, answers=2.0)
RINGS = Phone(rings=0.1)

Act = Callable[[World], Awaitable[object]]


def world_of(reading: float = 0.0, **asterisk: Any) -> World:
    """A world of the extensions 1001, 1002 and 1003; what is dialled there, `phones` say."""
    world = World(FakeAsterisk(**asterisk), reading=reading)
    for number in ("1001", "1002", "1003"):
        world.extension(number)
    return world


async def play(act: Act, **asterisk: Any) -> World:
    world = world_of(**asterisk)
    await act(world)
    await world.over()
    check(world)
    return world


def story(act: Act, **asterisk: Any) -> World:
    """Act, wait for the end of every call, check that all is well, and return what came of it."""
    return run(play(act, **asterisk))


async def dials(world: World, hangs_up: float | None = None, number: str = "1002") -> Channel:
    """Let 1001 dial, and hang up after a while."""
    caller = world.asterisk.call("1001", number)
    if hangs_up is not None:
        world.asterisk.at(hangs_up, partial(world.asterisk.end, caller))
    return caller
