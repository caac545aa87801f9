"""Processes that follow one another, and connections that break, at any request."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from stasis_app.ari.events import Event
from stasis_app.ari.inboxes import Inboxes
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .stage import Act, calls_out, world_of
from .world import World

CONNECTING = 0.02


@dataclass
class Machine:
    """Runs one process after the other; `world` is the one that runs now.

    `interruptions` counts the kills and breaks that have come to pass.
    """

    world: World
    interruptions: int = 0
    _connecting: asyncio.Task[None] | None = None
    _away: bool = field(default=False)

    def kill_at(self, request: int, away: float, *, sent: bool) -> None:
        """Kill the process when it sends that request, or has just sent it."""
        self._interrupt_at(request, sent, lambda: self._kill(away))

    def disconnect_at(self, request: int, away: float) -> None:
        """Let the events be lost for a while from that request on."""
        self._interrupt_at(request, True, lambda: self._disconnect(away))

    async def over(self, seconds: float) -> None:
        """Let that much virtual time pass; by then all must have come to its end."""
        await asyncio.sleep(seconds)
        assert not self._away
        await self.world.exchange.settled()
        await asyncio.sleep(20)

    def _interrupt_at(self, request: int, sent: bool, interrupt: Callable[[], None]) -> None:
        def act() -> None:
            if self._away:
                return
            self._away = True
            self.interruptions += 1
            if self._connecting:
                self._connecting.cancel()
            if not sent:
                self.world.asterisk.unsent.add(request)
            interrupt()

        self.world.asterisk.before[request] = act

    def _kill(self, away: float) -> None:
        self.world.kill()
        self.world.asterisk.at(away, self._next_process)

    def _disconnect(self, away: float) -> None:
        asterisk = self.world.asterisk
        asterisk.disconnect()
        asterisk.at(away, lambda: self._connect(asterisk.inboxes))

    def _next_process(self) -> None:
        old = self.world
        inboxes = Inboxes()
        old.asterisk.connect(inboxes)
        self.world = old.successor()
        self._connect(inboxes)

    def _connect(self, inboxes: Inboxes) -> None:
        self._away = False
        self.world.asterisk.connect(inboxes)
        self._connecting = asyncio.create_task(self._reconcile())

    async def _reconcile(self) -> None:
        await asyncio.sleep(CONNECTING)
        await self.world.switchboard.reconcile()


def killed_on_arrival(world: World) -> None:
    """Kill the process when it has written down the next call, and before it does anything."""
    begin = world.asterisk.inboxes.unclaimed

    def kill(event: Event) -> None:
        begin(event)
        world.kill()

    world.asterisk.inboxes.unclaimed = kill


async def taken_over(
    phones: dict[str, Phone], after: float, away: float = 1.0, act: Act = calls_out
) -> World:
    """Kill the process after some seconds, and let the next one come."""
    world = world_of(phones=phones)
    await act(world)
    await asyncio.sleep(after)
    world.kill()
    await asyncio.sleep(away)
    world = world.next_process()
    await world.switchboard.reconcile()
    return world


async def reconnected(
    phones: dict[str, Phone], after: float, away: float = 10.0, act: Act = calls_out
) -> World:
    """Let the events of some seconds be lost, and compare then, in one and the same process."""
    world = world_of(phones=phones)
    await world.switchboard.reconcile()
    await act(world)
    await asyncio.sleep(after)
    world.asterisk.disconnect()
    await asyncio.sleep(away)
    world.asterisk.connect(world.asterisk.inboxes)
    await world.switchboard.reconcile()
    return world


async def to_the_end(world: World) -> World:
    await world.over()
    check(world)
    return world


def continued(
    phones: dict[str, Phone], after: float, away: float = 1.0, act: Act = calls_out
) -> World:
    """Tell a story that one process has begun to its end."""

    async def tell() -> World:
        return await to_the_end(await taken_over(phones, after, away, act))

    return run(tell())
