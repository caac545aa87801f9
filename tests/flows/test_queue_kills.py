"""The process is killed, or its connection breaks, at any moment of a story of a queue."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stasis_app.words import QueueStrategy
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .invariants import check
from .queue_stage import (
    Scene,
    all_is_well,
    nobody_hears_what_he_should_not,
    nothing_is_held,
    watching,
    world_of_queues,
)
from .restarts import Machine
from .rows import identity
from .test_voicemail_restarts import Dying


@dataclass
class Story:
    """Two callers and three agents, of whom all ring."""

    prepare: Callable[[Scene], None]
    calls: tuple[tuple[float, float], ...]


def plain(scene: Scene) -> None:
    scene.queue(wrap_up_seconds=2, welcome=identity("hello"), announces_position=True)
    scene.agent("1001", Phone(rings=0.1, rejects=(0.5, 21, 603)))
    scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=3.0), penalty=1)


def all_ring(scene: Scene) -> None:
    scene.queue(wrap_up_seconds=2, strategy=QueueStrategy.RING_ALL, agent_prompt=identity("listen"))
    for number, answers in (("1001", 1.0), ("1002", 1.01), ("1003", 2.0)):
        scene.agent(number, Phone(rings=0.1, answers=answers, hangs_up=4.0))


STORIES = {
    "plain": Story(plain, ((0.0, 40.0), (0.5, 40.0))),
    "all ring": Story(all_ring, ((0.0, 40.0), (0.5, 5.0))),
}


async def enact(story: Story, prepare: Callable[[Machine], None]) -> Scene:
    world = world_of_queues(delays=(0.004,))
    scene, machine = Scene(world), Machine(world)
    with watching(scene):
        await scene.begin()
        story.prepare(scene)
        prepare(machine)
        for after, hangs_up in story.calls:
            scene.calls_later(after, "8000", str(2000 + int(after * 10)), hangs_up)
        await machine.over(100)
        scene.world = machine.world
        scene.asterisk.before.clear()
        await scene.heal()
    return scene


def requests_of(story: Story) -> range:
    scene = run(enact(story, lambda machine: None))
    all_is_well(scene)
    return range(4, len(scene.asterisk.requests))


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_request(name: str, sent: bool) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def kill(machine: Machine, request: int = request) -> None:
            machine.kill_at(request, 0.5, sent=sent)

        scene = run(enact(story, kill))
        all_is_well(scene)
        assert set(scene.ways_out()) <= {"answered", "abandoned"}, f"at request {request}"


@pytest.mark.parametrize("name", STORIES)
def test_the_connection_breaks_at_any_request(name: str) -> None:
    story = STORIES[name]
    for request in requests_of(story):

        def cut(machine: Machine, request: int = request) -> None:
            machine.disconnect_at(request, 0.5)

        all_is_well(run(enact(story, cut)))


async def killed_after(record: int, story: Story) -> Scene:
    scene = Scene(world_of_queues(delays=(0.004,)))
    with watching(scene):
        await scene.begin()
        story.prepare(scene)
        scene.world.records = Dying(record, scene.world.kill)
        for after, hangs_up in story.calls:
            scene.calls_later(after, "8000", str(2000 + int(after * 10)), hangs_up)
        await scene.world.until(lambda: scene.world.exchange.leaving, within=60)
        scene.world.records = list(scene.world.records)
        await scene.restart(0.5)
        await asyncio.sleep(100)
        await scene.world.exchange.settled()
        await scene.heal()
    return scene


@pytest.mark.parametrize("name", STORIES)
def test_killed_after_any_record(name: str) -> None:
    """Two records that belong together are not written at once."""
    story = STORIES[name]
    undisturbed = run(enact(story, lambda machine: None))
    for record in range(1, len(undisturbed.world.records) - 2):
        scene = run(killed_after(record, story))
        check(scene.world)
        nothing_is_held(scene)
        nobody_hears_what_he_should_not(scene)
        assert all(row.get("left_how") and row.get("joined_at") for row in scene.visits()), record
