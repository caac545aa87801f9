"""Proves every slot of an agent and every channel of a call against Asterisk, and heals them.

Nothing of this should ever be found: what ends is told by events, and each call frees its agents.
What is wrong twice in a row is wrong: the first time it may be on its way.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from stasis_app.ari.errors import AriError
from stasis_app.call.exchange import Exchange
from stasis_app.call.line import Line
from stasis_app.store.agents import Agents
from stasis_app.store.agents import Held as Row

log = structlog.get_logger()

EVERY_SECONDS = 10.0

Held = tuple[UUID, UUID]
"""An agent and the call that his slot holds."""


class Proof:
    """`calls` are those of this process."""

    def __init__(self, exchange: Exchange, calls: Collection[UUID], agents: Agents) -> None:
        self._exchange = exchange
        self._calls = calls
        self._agents = agents
        self._lost: set[Held] = set()
        self._missing: set[str] = set()

    async def follow(self) -> None:
        """Look again and again, while there is somebody to ask."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._exchange.door.connected.wait()
            try:
                await self.look()
            except (AriError, ConnectionError) as error:
                log.warning(
                    "chore not done", action="chore_failed", chore="proof", error=str(error)
                )

    async def look(self) -> None:
        """Heal what was wrong at the last look and still is."""
        await self._prove_channels()
        await self._prove_slots()
        await self._exchange.floor.read()

    async def _prove_channels(self) -> None:
        exchange = self._exchange
        present = {channel.id for channel in await exchange.door.channels()}
        lines = [line for line in exchange.inboxes.receivers() if isinstance(line, Line)]
        missing = {
            line.id: line for line in lines if line.started.done() and line.id not in present
        }
        for identity in missing.keys() & self._missing:
            log.warning("a channel was gone unheard", action="channel_healed", channel=identity)
            missing[identity].lose()
        self._missing = set(missing)

    async def _prove_slots(self) -> None:
        floor = self._exchange.floor
        rows = await self._agents.held()
        known = {(slot.extension, slot.call) for slot in floor.slots if slot.call}
        known -= {(row.extension, row.call) for row in rows if self._is_elsewhere(row)}
        held = known | {(row.extension, row.call) for row in rows if not row.open}
        lost = {one for one in held if not self._is_served(*one)}
        for agent, call in lost & self._lost:
            if await self._agents.release_lost(agent, call):
                log.warning("an agent was not free", action="slot_healed", call=str(call))
            floor.lost(agent, call)
        self._lost = lost

    def _is_served(self, agent: UUID, call: UUID) -> bool:
        """Return whether a call of ours will free the agent."""
        return self._is_ours(call) and self._exchange.floor.slots.serves(agent, call)

    def _is_elsewhere(self, row: Row) -> bool:
        """Return whether another process has the call, and so will free the agent."""
        return row.open and not self._is_ours(row.call)

    def _is_ours(self, call: UUID) -> bool:
        return call in self._calls or call in self._exchange.floor.places
