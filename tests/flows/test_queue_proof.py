"""Slots that are not as this process thinks: those of other processes, and those edited by hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from stasis_app.call.floor import EDITED_SECONDS
from stasis_app.clocks.proof import Proof
from stasis_app.rules.queues import Slot
from stasis_app.store.agents import Agents, Held
from tests.support.fake_phones import EPOCH, Phone

from .queue_stage import Scene, told
from .rows import identity
from .world import World

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
AGENT = identity("1001")


@dataclass
class Rows(Agents):
    """What the proof asks of Postgres, from memory; the calls in `open` have a row."""

    world: World
    open: Sequence[UUID]

    async def held(self) -> list[Held]:
        slots = self.world.agents.slots_by_agent.values()
        return [
            Held(slot.extension, slot.call, slot.call in self.open) for slot in slots if slot.call
        ]

    async def release_lost(self, extension: UUID, call: UUID) -> bool:
        found = self.world.agents.slot(extension).call == call
        if found:
            self.world.agents.slots_by_agent[extension] = Slot(extension)
        return found


def proof_of(scene: Scene, *calls: UUID) -> Proof:
    world = scene.world
    return Proof(world.exchange, world.switchboard.calls.keys(), Rows(world, calls))


def held_by(scene: Scene, call: UUID | None) -> None:
    """Let the agent talk to somebody of another process, or (None) be free."""
    talking_since = EPOCH if call else None
    scene.world.agents.slots_by_agent[AGENT] = Slot(AGENT, call=call, talking_since=talking_since)


def test_the_agent_of_another_process_is_left_alone() -> None:
    """As long as his call is open. Nobody rings him, and when that process frees him he is free."""

    async def act(scene: Scene) -> None:
        elsewhere = uuid4()
        scene.queue()
        scene.agent("1001", TALKS)
        held_by(scene, elsewhere)
        floor, proof = scene.world.exchange.floor, proof_of(scene, elsewhere)
        await floor.read()
        scene.calls()
        for _ in range(4):
            await proof.look()
            await asyncio.sleep(1)
            assert scene.slot("1001").call == floor.slots.of(AGENT).call == elsewhere
        assert not scene.rung()
        held_by(scene, None)
        await proof.look()
        await asyncio.sleep(1)
        assert scene.rung() == ["1001"]

    told(act)


def test_an_agent_is_free_whose_call_no_process_has() -> None:
    """At the second look."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        held_by(scene, uuid4())
        floor, proof = scene.world.exchange.floor, proof_of(scene)
        await floor.read()
        scene.calls()
        await proof.look()
        await asyncio.sleep(1)
        assert not scene.rung()
        await proof.look()
        await asyncio.sleep(1)
        assert scene.rung() == ["1001"]

    told(act)


@pytest.mark.parametrize("edits", [1, 3])
def test_the_slot_of_one_who_talks_is_edited(edits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """We know better until he has hung up, so it is not read again and again."""

    async def act(scene: Scene) -> None:
        agents, floor, asked = scene.world.agents, scene.world.exchange.floor, []
        slots = agents.slots

        async def counted() -> Sequence[Slot]:
            asked.append(asyncio.get_running_loop().time())
            return await slots()

        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", Phone(rings=0.1, answers=1.0, hangs_up=60.0))
        scene.calls()
        await asyncio.sleep(3)
        monkeypatch.setattr(agents, "slots", counted)
        for _ in range(edits):
            floor.changed({"agent_slots": {AGENT}})
            await asyncio.sleep(1)
        await asyncio.sleep(EDITED_SECONDS + 3)
        assert 2 <= len(asked) <= 6 + 2 * edits
        asked.clear()
        await asyncio.sleep(20)
        assert asked == []
        agents.slots_by_agent[AGENT] = Slot(AGENT, misses=1, call=scene.slot("1001").call)
        await asyncio.sleep(40)
        assert not scene.slot("1001").call
        await floor.read()
        assert floor.slots.of(AGENT).misses == 1, "what the row says is known after the call"

    told(act)
