"""Postgres is away, slow or refuses; other processes use the same agents."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from stasis_app.rules.queues import Slot
from stasis_app.words import Wanted
from tests.support.fake_phones import EPOCH, Channel, Phone
from tests.support.virtual_time import run

from .queue_stage import Scene, told, watching, world_of_queues
from .rows import identity
from .stage import ANSWERS, RINGS

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
A, B, C = "1001", "1002", "1003"


def test_postgres_is_away_for_half_a_minute() -> None:
    """Who waits waits, who talks talks, and who becomes free meanwhile gets a caller after it."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=2)
        scene.agent(A, Phone(rings=0.1, answers=1.0, hangs_up=10.0))
        scene.agent(B, Phone(rings=0.1, answers=1.0, hangs_up=60.0), penalty=1)
        callers.extend(scene.calls() for _ in range(4))
        await asyncio.sleep(5)
        scene.world.postgres_away = True
        await asyncio.sleep(30)
        assert [scene.talk(caller) for caller in callers] == [False, True, False, False]
        assert len(scene.world.exchange.floor.places) == 2
        assert all(scene.asterisk.music.get(caller.id) for caller in callers[2:])
        scene.world.postgres_away = False

    scene = told(act)
    assert sorted(scene.rings()[:2]) == [(0.0, A), (0.0, B)]
    assert 35.0 <= scene.rings()[2][0] <= 37.5
    assert not scene.misses()
    assert scene.ways_out() == ["answered"] * 4


def test_the_release_is_not_written_yet_when_postgres_is_back() -> None:
    """What Postgres still shows is our own call of before: nobody is lost over it."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent(A, TALKS)
        scene.calls()
        await asyncio.sleep(4)
        scene.world.postgres_away = True
        await asyncio.sleep(4)
        scene.calls(hangs_up=60)
        await asyncio.sleep(10)
        scene.world.agents.shipping = 3.0
        ship, scene.world.agents._ship = scene.world.agents._ship, lambda: None  # type: ignore[method-assign]
        scene.world.postgres_away = False
        await asyncio.sleep(3)
        scene.world.agents._ship = ship  # type: ignore[method-assign]
        ship()

    scene = told(act)
    assert [number for _, number in scene.rings()] == [A, A]
    assert scene.rings()[1][0] < 22


def test_the_answer_of_a_reservation_is_lost() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent(A, TALKS)
        scene.world.agents.loses = {0, 1}
        scene.calls()

    scene = told(act)
    assert len(scene.rings()) == 1
    assert scene.rings()[0][0] < 3.5


def test_the_answer_is_lost_and_the_caller_is_gone() -> None:
    """Nobody holds the agent when the next one comes."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent(A, TALKS)
        scene.world.agents.loses = {0}
        scene.calls(hangs_up=0.5)
        await asyncio.sleep(5)
        scene.calls()

    scene = told(act)
    assert scene.rings() == [(5.0, A)]


def test_postgres_is_slow() -> None:
    """Who hangs up meanwhile, or logs in, changes nothing of what is right."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent(A, TALKS)
        scene.world.agents.seconds = 1.0
        scene.calls(hangs_up=0.5)
        await asyncio.sleep(0.1)
        second = scene.calls()
        await asyncio.sleep(10)
        assert scene.partner(second) == [A]

    scene = told(act)
    assert scene.ways_out() == ["abandoned", "answered"]
    assert scene.rings() == [(2.0, A)]


def test_everybody_at_once() -> None:
    """All that can be decided is decided at once, in one question."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        for n in range(20):
            scene.calls(caller=str(2001 + n))
        await asyncio.sleep(2)
        asked = scene.world.agents._asked
        for n in range(20):
            row = scene.agent(str(1001 + n), None)
            scene.world.book.queue_members.forget([row.id])
            scene.phone(str(1001 + n), TALKS)
            scene.register(str(1001 + n))
            scene.world.book.queue_members.keep(row.id, row)
        scene.world.exchange.floor.changed({"queue_members": None})
        await asyncio.sleep(2)
        assert scene.world.agents._asked == asked + 1

    assert len(told(act).rings()) == 20


def test_a_refused_reservation_is_not_asked_for_again_and_again() -> None:
    """Another process has the agent: he is looked at now and then."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent(A, TALKS)
        agent = identity(A)
        scene.world.agents.slots_by_agent[agent] = Slot(
            agent, identity("foreign"), talking_since=EPOCH
        )
        scene.calls(hangs_up=30)
        await asyncio.sleep(20)
        assert scene.world.agents._asked < 5
        assert not scene.rings()
        scene.world.agents.slots_by_agent[agent] = Slot(agent)
        await scene.world.exchange.floor.read()
        await asyncio.sleep(1)
        assert scene.rung() == [A]

    told(act)


def test_a_reservation_that_ran_out_is_free() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        agent = identity(A)
        scene.world.agents.slots_by_agent[agent] = Slot(
            agent, identity("foreign"), reserved_until=EPOCH
        )
        await scene.world.exchange.floor.load()
        scene.agent(A, TALKS)
        scene.calls(hangs_up=30)

    assert told(act).rung() == [A]


def test_a_person_ends_the_wrap_up_in_the_row() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=100)
        scene.agent(A, TALKS)
        scene.calls()
        scene.calls()
        await asyncio.sleep(20)
        agent = identity(A)
        slot = scene.world.agents.slots_by_agent[agent]
        scene.world.agents.slots_by_agent[agent] = replace(slot, wrap_up_until=None)
        scene.world.exchange.floor.changed({"agent_slots": {agent}})

    scene = told(act)
    assert [number for _, number in scene.rings()] == [A, A]
    assert scene.rings()[1][0] < 21


@pytest.mark.parametrize("seed", range(6))
def test_two_processes_ring_no_agent_twice(seed: int) -> None:
    """Each has callers for the same agents."""

    async def tell() -> list[Scene]:
        first = Scene(world_of_queues(delays=(0.001, 0.002)))
        second = Scene(world_of_queues(delays=(0.002, 0.001, 0.001)))
        scenes = [first, second]
        with watching(first), watching(second):
            agents = second.world.agents = first.world.agents
            second.world.exchange.agents = agents
            second.world.exchange.floor._agents = agents
            agents.books = [scene.world.book for scene in scenes]
            agents.watchers = [scene.world.exchange.floor.changed for scene in scenes]
            for scene in scenes:
                await scene.begin()
                scene.queue(wrap_up_seconds=2)
                for number in (A, B, C):
                    scene.agent(number, TALKS)
            for n in range(6):
                for scene in scenes:
                    scene.calls(caller=str(2001 + n))
                await asyncio.sleep((0.0, 0.001, 0.003, 0.5, 2.0, 7.0)[seed])
            for _ in range(15):
                await asyncio.sleep(5)
                for scene in scenes:
                    await scene.world.exchange.floor.read()
            for scene in scenes:
                await scene.over()
        return scenes

    scenes = run(tell())
    for scene in scenes:
        assert scene.ways_out() == ["answered"] * 12
        assert not scene.asterisk.rung_twice
    for number in (A, B, C):
        legs = [leg for scene in scenes for leg in scene.legs_of(number)]
        times = sorted((leg.made_at, leg.ended_at or 0.0) for leg in legs)
        assert all(ended <= begun for (_, ended), (begun, _) in pairwise(times))


def test_a_crowd_is_taken_over() -> None:
    """20 wait, 5 ring and 5 talk when the process is killed: everyone is where he was."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=5)
        for n in range(5):
            scene.agent(str(1001 + n), Phone(rings=0.1, answers=1.0, hangs_up=30.0))
        for n in range(5):
            scene.calls(caller=str(2001 + n))
        await asyncio.sleep(3)
        for n in range(5, 10):
            scene.agent(str(1001 + n), RINGS)
        for n in range(5, 30):
            scene.calls(caller=str(2001 + n))
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        before = positions(scene)
        rung = scene.rung()
        assert len(before) == 25
        await scene.restart(1.0)
        await asyncio.sleep(0.5)
        assert positions(scene) == before
        assert scene.rung() == rung
        talking = [caller for caller in scene.asterisk.callers if scene.talk(caller)]
        assert len(talking) == 5
        floor = scene.world.exchange.floor
        assert (
            sum(floor.slots.of(identity(str(1001 + n))).call is not None for n in range(10)) == 10
        )
        for n in range(10):
            scene.phone(str(1001 + n), ANSWERS if n < 5 else TALKS)
        await asyncio.sleep(5)
        assert scene.rung() == rung

    scene = told(act)
    assert scene.ways_out().count("answered") >= 20


def positions(scene: Scene) -> list[tuple[int, str]]:
    calls = scene.world.switchboard.calls
    places = scene.world.exchange.floor.places
    return sorted((place.position, calls[call].caller.id) for call, place in places.items())


def test_an_agent_who_logs_out_while_postgres_is_away() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent(A, TALKS)
        scene.world.postgres_away = True
        scene.calls(hangs_up=30)
        await asyncio.sleep(5)
        scene.world.agents.want(identity(A), None, Wanted.OFFLINE)
        scene.world.postgres_away = False

    assert not told(act).rings()
