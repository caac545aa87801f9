"""Asterisk and the agents of queues, who know what must never be."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from stasis_app.store.agents import Held
from tests.support.fake_agents import FakeAgents
from tests.support.fake_asterisk import FakeAsterisk
from tests.support.fake_phones import Channel
from tests.support.fake_turns import Turn

from .world import World, live_calls

GRACE = 0.3
"""Seconds in which a phone may still ring for one while it begins to for another."""


class QueueAsterisk(FakeAsterisk):
    """Knows which phones rang twice at once, and who was spoken to while he talked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rung_twice: list[tuple[float, str]] = []
        self.spoken_to_too_late: set[str] = set()

    def _dialled(self, channel: Channel) -> None:
        same = [one for one in self.channels_made.values() if one.endpoint == channel.endpoint]
        for other in same if channel.dialled_for is None else ():
            before = other.args == ("leg",) or other.made_at < channel.made_at - GRACE
            if other is not channel and other.alive and before:
                self.at(GRACE, partial(self._check_once, channel, other))
        super()._dialled(channel)

    def _check_once(self, channel: Channel, other: Channel) -> None:
        if other.alive and channel.alive and other.hung_up_with is None:
            self.rung_twice.append((self._loop.time(), channel.endpoint))

    def take_turn(self, turn: Turn) -> None:
        super().take_turn(turn)
        self._note_who_talks()

    def _note_who_talks(self) -> None:
        super()._note_who_talks()
        for members in self.bridges_made.values():
            up = {name for name in members if self.channels_made[name].state == "Up"}
            if len(up) > 1:
                self.spoken_to_too_late |= {name for name in up if self._turns.get(name)}


class QueueAgents(FakeAgents):
    """Also tells which slots hold calls, for `clocks.proof`; `world` knows the calls."""

    world: World

    async def held(self) -> Sequence[Held]:
        await self._answer()
        open_calls = {call.id for call in live_calls(self.world.records)}
        rows = self.slots_by_agent.values()
        return [Held(row.extension, row.call, row.call in open_calls) for row in rows if row.call]

    async def release_lost(self, extension: UUID, call: UUID) -> bool:
        await self._answer()
        slot = self.slot(extension)
        if slot.call != call:
            return False
        self.slots_by_agent[extension] = replace(slot, call=None, reserved_until=None)
        return True
