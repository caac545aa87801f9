"""A queue that calls back: who asked for it, the agent 1002, and the number that is called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stasis_app.callbacks import Callbacks
from stasis_app.rules.sentences import Sentence, callback_number
from stasis_app.words import CallbackState, Wanted
from tests.support.fake_callbacks import Row
from tests.support.fake_phones import Channel, Phone
from tests.support.virtual_time import run

from .invariants import check
from .mailbox_stage import EN, Owner
from .rows import identity, inbound_rule, member, queue, to_queue
from .stage import CALLER, DID, delivers, with_trunks, world_of
from .world import World, endpoint, over

# how CALLER is dialled here
CUSTOMER = "040111222"
AGENT = identity("1002")
OFFER = callback_number(CALLER, EN)
PICKS_UP = Phone(rings=0.1, answers=3.0)
TALKS = Phone(rings=0.1, answers=1.0, hangs_up=10.0)

Scene = Callable[["Stage"], Awaitable[None]]


@dataclass
class Stage:
    """One process after the other; each follows the callbacks."""

    world: World
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    following: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Let a process begin."""
        world, changed = self.world, asyncio.Event()
        world.callbacks.changed = [changed]
        await world.switchboard.reconcile()
        self.connected.set()
        callbacks = Callbacks(
            world.exchange, world.callbacks, world.switchboard.start, changed, self.connected
        )
        self.following = asyncio.create_task(callbacks.follow(), name="callbacks")

    async def end(self) -> None:
        if self.following:
            self.following.cancel()
            await asyncio.wait([self.following])

    async def next_process(self, away: float = 1.0) -> None:
        """Kill this process, and let another one come."""
        self.world.kill()
        await self.end()
        await asyncio.sleep(away)
        self.world = self.world.next_process()
        await self.begin()

    def agent(self, wanted: Wanted, agent: str = "1002") -> None:
        self.world.agents.want(identity(agent), None, wanted)

    @property
    def rows(self) -> list[Row]:
        return list(self.world.callbacks.rows.values())

    @property
    def states(self) -> list[CallbackState]:
        return [row.state for row in self.rows]

    async def comes(self, hangs_up: float = 300.0, **call: Any) -> Owner:
        """Let somebody call the queue from outside, who waits."""
        caller = Owner(self.world, await delivers(self.world, hangs_up=hangs_up, **call))
        await caller.waits(1.0)
        return caller

    async def asks(self, **call: Any) -> Owner:
        """Let somebody ask to be called back; returns when he has hung up."""
        caller = await self.comes(**call)
        await caller.presses("1")
        await caller.hears(OFFER)
        await caller.presses("1")
        await caller.hears(Sentence.CALLBACK_TAKEN_DOWN)
        await self.world.until(lambda: not caller.phone.alive, within=10)
        return caller

    async def dialled(self, number: str = CUSTOMER, trunk: str = "A", which: int = 0) -> Owner:
        """Return who is called back, when it is so for the `which`th time (from 0)."""
        wanted = over(trunk, number)

        def legs() -> list[Channel]:
            return [leg for leg in self.world.legs() if leg.endpoint == wanted]

        await self.world.until(lambda: len(legs()) > which, within=400)
        return Owner(self.world, legs()[which])

    async def accepts(self, **which: Any) -> Owner:
        """Let who is called back press the key."""
        customer = await self.dialled(**which)
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1")
        return customer

    def owner(self, phone: Channel) -> Owner:
        return Owner(self.world, phone)

    def offers(self, agent: str = "1002") -> list[Channel]:
        return [leg for leg in self.world.legs() if leg.endpoint == endpoint(agent)]

    async def talks(self, phone: Channel, agent: str = "1002") -> None:
        """Wait until somebody talks to an agent."""

        def together() -> bool:
            both = self.world.asterisk.together
            return any({phone.id, offer.id} in both for offer in self.offers(agent))

        await self.world.until(together, within=100)

    @property
    def visits(self) -> list[dict[str, Any]]:
        return list(self.world.agents.visits.values())

    @property
    def called_back(self) -> list[dict[str, Any]]:
        return [visit for visit in self.visits if visit["is_callback"]]


def served(phones: dict[str, Phone] | None = None, **columns: Any) -> World:
    """Calls from outside come to the queue `sales`; its agent is 1002."""
    every = {
        endpoint("1002"): TALKS,
        endpoint("1003"): TALKS,
        over("A", CUSTOMER): PICKS_UP,
        over("B", CUSTOMER): PICKS_UP,
        **(phones or {}),
    }
    world = with_trunks(world_of(phones=every))
    world.keep(queues=queue("sales", **{"number": "500", "callback_key": "1", **columns}))
    world.keep(queue_members=member("sales", "1002"))
    world.keep(inbound_rules=inbound_rule("in", DID, to_queue("sales")))
    return world


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[Stage]:
    stage = Stage(world)
    await stage.begin()
    try:
        yield stage
    finally:
        await stage.end()


def told(
    scene: Scene, phones: dict[str, Phone] | None = None, checked: bool = True, **columns: Any
) -> Stage:
    """Tell a story to its end; nothing may be left then, and no agent be reserved."""

    async def tell() -> Stage:
        async with staged(served(phones, **columns)) as stage:
            await scene(stage)
            await stage.world.over()
            await asyncio.sleep(40)
        if checked:
            check(stage.world)
        assert not stage.world.exchange.floor.places
        held = {slot.call for slot in stage.world.agents.slots_by_agent.values()}
        assert held <= {None}, "an agent is left reserved"
        return stage

    return run(tell())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
