"""Setting the scene of a story: three extensions, two trunks, phones and carriers, a caller."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_phones import DEAD, Channel, Phone
from tests.support.virtual_time import run

from .invariants import check
from .rows import endpoint_of, inbound_rule, outbound_rule, to_extension, trunk
from .world import World, over

BUSY = Phone(rings=None, rejects=(0.1, 17, 486))
DECLINES = Phone(rings=0.1, rejects=(1.0, 21, 603))
ANSWERS = Phone(rings=0.1, answers=2.0)
RINGS = Phone(rings=0.1)

# carriers
SILENT = DEAD
OVERLOADED = Phone(rings=None, rejects=(0.05, 34, 503))

NUMBER = "0301234567"

# who carriers call, and for whom
DID = "+49301234500"
CALLER = "+4940111222"

Act = Callable[[World], Awaitable[object]]


def world_of(reading: float = 0.0, **asterisk: Any) -> World:
    """A world of the extensions 1001, 1002 and 1003; what is dialled there, `phones` say."""
    world = World(FakeAsterisk(**asterisk), reading=reading)
    for number in ("1001", "1002", "1003"):
        world.extension(number)
    return world


def with_trunks(world: World, a: Mapping[str, Any] | None = None, **b: Any) -> World:
    """Numbers with a zero go out over trunk A, or else over B; both have further columns."""
    world.keep(trunks=trunk("A", backup="B", **(a or {})))
    world.keep(trunks=trunk("B", **b))
    world.keep(outbound_rules=outbound_rule("all", "^0", "A"))
    return world


def carriers(a: Phone, b: Phone = ANSWERS, number: str = NUMBER) -> dict[str, Phone]:
    """What becomes of a number that is sent over A, or over B."""
    return {over("A", number): a, over("B", number): b}


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


async def calls_out(world: World, hangs_up: float | None = 60.0, number: str = NUMBER) -> Channel:
    """Let 1001 call somebody outside, if nobody has prepared otherwise over A or B."""
    if not world.book.trunks.items:
        with_trunks(world)
    return await dials(world, hangs_up, number)


async def delivers(
    world: World,
    did: str = DID,
    caller: str = CALLER,
    *,
    trunk: str = "A",
    to_user: str = "",
    presentation: str = "allowed",
    hangs_up: float = 30.0,
) -> Channel:
    """Let the carrier behind a trunk call; without another rule 1002 is meant."""
    if not world.book.trunks.items:
        with_trunks(world)
    if not world.book.inbound_rules.items:
        world.keep(inbound_rules=inbound_rule("in", DID, to_extension("1002")))
    channel = world.asterisk.deliver(endpoint_of(trunk), did, caller, to_user, presentation)
    world.asterisk.at(hangs_up, partial(world.asterisk.end, channel))
    return channel
