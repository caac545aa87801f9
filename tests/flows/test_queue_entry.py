"""Callers come to a queue, and are let in or not."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.words import QueueStatus, Wanted, WhenEmpty
from tests.support.fake_phones import Phone

from .queue_stage import Scene, told
from .rows import identity
from .stage import RINGS

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)


def staffed(scene: Scene, phone: Phone = RINGS, **columns: Any) -> None:
    scene.queue(**columns)
    scene.agent("1001", phone)


def test_a_queue_that_is_full() -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, max_size=2)
        for _ in range(3):
            scene.calls(hangs_up=15)
            await asyncio.sleep(0.1)

    scene = told(act)
    assert scene.ways_out() == ["abandoned", "abandoned", "full"]
    assert sorted(scene.world.ends()) == ["busy", "normal_clearing", "normal_clearing"]
    assert scene.world.details("FULL") == [{"queue": "sales", "reason": "full"}]


def test_a_queue_that_fills_up_in_one_moment() -> None:
    """Who was let in is counted before the next one asks."""

    async def act(scene: Scene) -> None:
        staffed(scene, max_size=2, callback_key="1")
        for _ in range(5):
            scene.calls(hangs_up=15)

    assert sorted(told(act).ways_out()) == ["abandoned", "abandoned", "full", "full", "full"]


@pytest.mark.parametrize("status", [QueueStatus.PAUSED, QueueStatus.INACTIVE])
def test_a_queue_that_takes_nobody(status: QueueStatus) -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, status=status)
        scene.calls()

    scene = told(act)
    assert not scene.rings()
    assert scene.ways_out() == (["closed"] if status is QueueStatus.PAUSED else [])


@pytest.mark.parametrize("when_empty", WhenEmpty)
def test_a_queue_whose_agents_are_not_there(when_empty: WhenEmpty) -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, when_empty=when_empty)
        scene.world.agents.want(identity("1001"), None, Wanted.OFFLINE)
        await asyncio.sleep(0.1)
        scene.calls(hangs_up=20)

    scene = told(act)
    assert scene.ways_out() == ["empty" if when_empty is WhenEmpty.LEAVE else "abandoned"]


def test_an_agent_on_a_break_is_there() -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, TALKS, when_empty=WhenEmpty.LEAVE)
        scene.world.agents.want(identity("1001"), None, Wanted.BREAK)
        await asyncio.sleep(0.1)
        caller = scene.calls()
        await asyncio.sleep(5)
        scene.world.agents.want(identity("1001"), None, Wanted.AVAILABLE)
        await asyncio.sleep(5)
        assert scene.partner(caller) == ["1001"]

    assert told(act).rings() == [(5.1, "1001")]


@pytest.mark.parametrize("hangs_up", [0.0005 * n for n in range(12)])
def test_who_hangs_up_at_the_entry(hangs_up: float) -> None:
    async def act(scene: Scene) -> None:
        staffed(scene)
        caller = scene.calls()
        scene.asterisk.at(hangs_up, partial(scene.hangs_up, caller))

    assert told(act).ways_out() in ([], ["abandoned"])
