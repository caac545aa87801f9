"""What the first moments of a process are like for those who wait, and for agents who are free."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from stasis_app.clocks.proof import Proof
from stasis_app.rules.queues import Slot
from stasis_app.store.agents import Agents, Held
from tests.support.fake_phones import Channel, Phone

from .queue_stage import Scene, prompt, told
from .rows import identity
from .stage import RINGS
from .world import World

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
AGENT = identity("1001")


def waits_while_away(meanwhile: Callable[[Scene], None]) -> Scene:
    """Let somebody wait, and the process be away; return what comes of it."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.calls()
        await asyncio.sleep(1)
        scene.world.kill()
        scene.agent("1001", TALKS)
        meanwhile(scene)
        await scene.restart(1.0)

    return told(act)


def reserved(scene: Scene) -> None:
    """The process has reserved the agent, and not come to call him."""
    [call] = scene.world.exchange.floor.places
    scene.world.agents.slots_by_agent[AGENT] = Slot(AGENT, call=call)


@pytest.mark.parametrize("meanwhile", [lambda _: None, reserved], ids=["free", "reserved"])
def test_an_agent_is_called_as_soon_as_the_callers_stand_in_line(
    meanwhile: Callable[[Scene], None],
) -> None:
    """Without waiting for who stands there already, or for a reservation to run out."""
    scene = waits_while_away(meanwhile)
    assert scene.rings() == [(2.0, "1001")]
    assert scene.ways_out() == ["answered"]


def test_an_agent_is_free_who_was_reserved_for_one_who_has_hung_up() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        caller = scene.calls()
        await asyncio.sleep(1)
        scene.world.kill()
        scene.agent("1001", TALKS)
        reserved(scene)
        scene.hangs_up(caller)
        await scene.restart(1.0)
        await asyncio.sleep(0.1)
        assert scene.slot("1001").call is None
        scene.calls()

    scene = told(act)
    assert [round(at) for at, _ in scene.rings()] == [2]
    assert scene.ways_out() == ["abandoned", "answered"]


def test_an_agent_who_talks_otherwise_is_busy_all_the_while() -> None:
    """No moment of being available is written down of the first moments of a process."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", TALKS)
        scene.world.extension("1009")
        scene.phone("1009", Phone(rings=0.1, answers=1.0, hangs_up=30.0))
        scene.calls("1009", "1001")
        await asyncio.sleep(5)
        await scene.restart(1.0)

    scene = told(act)
    noted = [record["agent"] for record in scene.world.records if "agent" in record]
    assert [one["engaged"] for one in noted if one["change"] == "situation"] == [True, False]


@pytest.mark.parametrize("answers", [2.5 + n / 2000 for n in range(40, 56)])
def test_an_agent_answers_in_the_first_moments(answers: float) -> None:
    """While an announcement of before is stopped."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0, welcome=identity("hello"))
        scene.asterisk.media_seconds[prompt("hello")] = 10.0
        callers.append(scene.calls(hangs_up=20))
        await asyncio.sleep(1)
        scene.agent("1001", Phone(rings=0.1, answers=answers - 1))
        await asyncio.sleep(1)
        await scene.restart(0.5)
        await asyncio.sleep(1)
        assert scene.talk(callers[0])

    told(act)


@dataclass
class Rows(Agents):
    """What the proof asks of Postgres, from memory."""

    world: World

    async def held(self) -> list[Held]:
        slots = self.world.agents.slots_by_agent.values()
        return [Held(slot.extension, slot.call, open=True) for slot in slots if slot.call]

    async def release_lost(self, extension: UUID, call: UUID) -> bool:
        slot = self.world.agents.slot(extension)
        self.world.agents.slots_by_agent[extension] = replace(slot, call=None)
        return slot.call == call


def test_a_slot_that_holds_a_call_which_knows_nothing_of_it_is_healed() -> None:
    """At the second look; and who is being called is left alone."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1002", RINGS)
        scene.calls()
        await asyncio.sleep(1)
        world = scene.world
        [call] = world.exchange.floor.places
        world.agents.slots_by_agent[AGENT] = Slot(AGENT, call=call)
        scene.agent("1001", TALKS, penalty=1)
        await world.exchange.floor.read()
        proof = Proof(world.exchange, world.switchboard.calls.keys(), Rows(world))
        await proof.look()
        assert scene.slot("1001").call == call
        await proof.look()
        assert scene.slot("1001").call is None
        assert scene.slot("1002").call == call
        scene.calls()
        await asyncio.sleep(2)
        assert scene.rung() == ["1002", "1001"]

    told(act)


def test_nobody_is_welcomed_twice() -> None:
    """The music goes on all the while."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(welcome=identity("hello"), music="jazz")
        callers.append(scene.calls(hangs_up=60))
        await asyncio.sleep(20)
        await scene.restart()
        assert scene.asterisk.music == {callers[0].id: "jazz"}

    scene = told(act)
    played = [media for _, channel, media in scene.asterisk.played if channel == callers[0].id]
    assert played == [prompt("hello")]
