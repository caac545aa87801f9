"""Agents and their queues, and what they dial."""

from collections.abc import Callable
from typing import Any

from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import QueueStatus, Wanted
from tests.support.fake_phones import DEAD, Phone
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import EN, PIN, Owner, Scene, told, with_box
from .rows import identity, member, presence, queue
from .stage import world_of
from .world import World, endpoint

SALES, HELP = "500", "501"
AVAILABLE, BREAK, OFFLINE = Wanted.AVAILABLE, Wanted.BREAK, Wanted.OFFLINE
LOGGED_IN, LOGGED_OUT = Sentence.LOGGED_IN, Sentence.LOGGED_OUT
ON_BREAK, BREAK_OVER = Sentence.ON_BREAK, Sentence.BREAK_OVER
WRONG = "0815"

Prepare = Callable[[World], object]


def staffed(phone: Phone = DEAD) -> World:
    """1001 is an agent of `sales`, `help` and `old`, 1003 of `strange`, and 1002 of no queue.

    `phone` is that of 1001.
    """
    world = world_of(phones={endpoint("1001"): phone})
    world.keep(queues=queue("sales", number=SALES))
    world.keep(queues=queue("help", number=HELP))
    world.keep(queues=queue("old", number="502", status=QueueStatus.INACTIVE))
    world.keep(queues=queue("strange", number="503"))
    for name in ("sales", "help", "old"):
        world.keep(queue_members=member(name, "1001"))
    world.keep(queue_members=member("strange", "1003"))
    world.set(queues__break_reasons={"1": "lunch", "2": "training"})
    return world


def wants(wanted: Wanted, queue: str | None = None, reason: str = "") -> Prepare:
    return lambda world: world.keep(agent_states=presence("1001", wanted, queue, reason))


def nothing(_: World) -> None: ...


def dialled(code: str, prepare: Prepare = nothing, phone: str = "1001") -> World:
    """Let a phone dial a code, and listen to the end."""

    async def tell() -> World:
        world = staffed()
        prepare(world)
        world.asterisk.call(phone, code)
        await world.over()
        check(world)
        return world

    return run(tell())


def typed(scene: Scene, code: str, prepare: Prepare = nothing, phone: str = "1002") -> World:
    """Let a phone that is not the agent's dial a code, and do what `scene` says."""

    async def tell() -> World:
        world = staffed()
        with_box(world)
        prepare(world)
        return await told(scene, world, code, phone)

    return run(tell())


def state(world: World, queue: str | None = None) -> tuple[Wanted, str] | None:
    """What 1001 wants, and why."""
    found = world.agents.presence(identity("1001"), identity(queue) if queue else None)
    return (found.wanted, found.reason) if found else None


def sounds(world: World) -> list[str]:
    return [what for _, _, what in world.asterisk.played]


def said(world: World, *sentences: Sentence) -> None:
    assert sounds(world) == [word for one in sentences for word in say(one, EN)]


def note(wanted: Wanted, queue: str | None = None, reason: str = "") -> dict[str, Any]:
    return {"agent": "1001", "wanted": wanted, "queue": queue, "reason": reason}


async def knows_the_pin(owner: Owner) -> None:
    await owner.hears(Sentence.PIN)
    await owner.presses(f"{PIN}#")
