"""What a call costs does not grow with the agents of its queue, nor with those who wait."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from stasis_app.rules import agents as rules
from stasis_app.words import WhenEmpty
from tests.support.fake_phones import Phone

from .queue_stage import Scene, told
from .rows import extension, identity, member
from .stage import DECLINES

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
ASKED = ("is_logged_in", "wants", "hindrance", "seconds_to_rest")


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the rules were asked about an agent."""
    asked: Counter[str] = Counter()

    def counted(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def ask_and_count(*args: Any) -> Any:
            asked[name] += 1
            return ask(*args)

        return ask_and_count

    for name in ASKED:
        monkeypatch.setattr(rules, name, counted(name, getattr(rules, name)))
    return asked


def many(scene: Scene, agents: int) -> None:
    """Make so many agents; the first two have phones that ring."""
    book = scene.world.book
    scene.queue(when_empty=WhenEmpty.LEAVE, wrap_up_seconds=0)
    scene.agent("1001", DECLINES)
    scene.agent("1002", TALKS, penalty=1)
    for number in map(str, range(10000, 10000 + agents)):
        row, membership = extension(number), member("sales", number)
        book.extensions.keep(row.id, row)
        book.queue_members.keep(membership.id, membership)
    scene.world.exchange.floor.changed({"queue_members": None})


@pytest.mark.parametrize("agents", [0, 300])
def test_a_call_is_not_dearer_with_many_agents(asked: Counter[str], agents: int) -> None:
    """It declines, another answers, they talk; somebody registers and somebody logs out."""

    async def act(scene: Scene) -> None:
        many(scene, agents)
        scene.calls(hangs_up=3)
        await asyncio.sleep(20)
        asked.clear()
        scene.calls(hangs_up=100)
        await asyncio.sleep(10)
        scene.register("1001", 1)
        scene.world.exchange.floor.changed({"extension_registrations": {identity("1001")}})

    told(act)
    assert max(asked.values()) < 60, asked


@pytest.mark.parametrize("waiting", [0, 100])
def test_a_call_is_not_dearer_with_many_waiting(asked: Counter[str], waiting: int) -> None:
    async def act(scene: Scene) -> None:
        many(scene, 0)
        scene.register("1001", 0)
        scene.register("1002", 0)
        for n in range(waiting):
            scene.calls(caller=str(2001 + n), hangs_up=12)
        await asyncio.sleep(5)
        asked.clear()
        scene.calls(caller="3000", hangs_up=5)
        scene.world.exchange.floor.changed({"extension_registrations": {identity("1001")}})
        await asyncio.sleep(6)
        assert sum(asked.values()) < 60, asked

    told(act)
