"""Phones of agents that are registered and say nothing: switched off, or out of reach."""

import asyncio

from stasis_app.words import QueueStrategy
from tests.support.fake_phones import DEAD, Phone

from .queue_stage import UNAVAILABLE, Scene, told

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
PROGRESSES = Phone(rings=None, progresses=1.0, answers=8.0, hangs_up=5.0)


def test_nobody_waits_for_a_phone_that_says_nothing() -> None:
    """It is no miss: nobody was there to miss anything."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", DEAD)
        scene.agent("1002", TALKS)
        caller = scene.calls()
        await asyncio.sleep(20)
        assert scene.partner(caller) == ["1002"]

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (5.0, "1002")]
    assert scene.misses() == [("1001", UNAVAILABLE)]
    assert scene.slot("1001").misses == 0


def test_others_ring_on() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(strategy=QueueStrategy.RING_ALL)
        scene.agent("1001", DEAD)
        scene.agent("1002", Phone(rings=0.1, answers=8.0, hangs_up=5.0))
        caller = scene.calls()
        await asyncio.sleep(20)
        assert scene.partner(caller) == ["1002"]

    assert told(act).misses() == [("1001", UNAVAILABLE)]


def test_early_media_is_a_sign_of_life() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", PROGRESSES)
        caller = scene.calls()
        await asyncio.sleep(20)
        assert scene.partner(caller) == ["1001"]

    assert told(act).misses() == []
