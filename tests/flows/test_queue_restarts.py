"""The process is killed, or Asterisk is, while callers wait, agents ring and people talk."""

import asyncio
from datetime import timedelta

import pytest

from stasis_app.words import Wanted
from tests.support.fake_phones import EPOCH, Channel, Phone

from .queue_stage import Scene, prompt, told
from .rows import identity
from .stage import ANSWERS, RINGS

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
LATE = Phone(rings=0.1, answers=8.0, hangs_up=5.0)


def test_who_waits_keeps_the_place() -> None:
    """Also before others who came meanwhile, and by the time waited before."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0, max_wait_seconds=60)
        for _ in range(4):
            callers.append(scene.calls())
            await asyncio.sleep(0.2)
        await scene.restart()
        callers.append(scene.calls())
        await asyncio.sleep(2)
        places = scene.world.exchange.floor.places.values()
        assert sorted(place.position for place in places) == [1, 2, 3, 4, 5]
        scene.agent("1001", TALKS)

    scene = told(act)
    talked = [leg.id for leg in scene.legs_of("1001")]
    order = [
        next(iter(pair - {leg}))
        for leg in talked
        for pair in scene.asterisk.together
        if leg in pair
    ]
    assert order == [caller.id for caller in callers]
    assert [visit["position"] for visit in scene.visits()] == [1, 2, 3, 4, 5]


def test_the_longest_wait_goes_on() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(max_wait_seconds=30)
        scene.calls()
        await asyncio.sleep(10)
        await scene.restart(5.0)

    scene = told(act)
    assert scene.ways_out() == ["timeout"]
    assert scene.world.details("EXITWITHTIMEOUT")[0]["wait"] == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("killed", [0.0005 * n for n in range(1, 14)] + [0.05, 1.0, 4.0])
@pytest.mark.parametrize("away", [0.1, 1.0])
def test_an_offer_goes_on(killed: float, away: float) -> None:
    """Nobody rings twice, whenever the process is killed, and nobody has missed anything.

    Whose phone had not been dialled may not have been for another reason: others come first.
    """
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", LATE)
        scene.agent("1002", LATE, penalty=1)
        callers.append(scene.calls())
        await asyncio.sleep(killed)
        await scene.restart(away)
        await asyncio.sleep(30)
        assert scene.partner(callers[0]) in (["1001"], ["1002"])

    scene = told(act)
    assert not scene.misses()
    if killed > 0.01:
        assert scene.rung() == ["1001"]


def test_the_time_to_ring_goes_on() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(ring_seconds=20, wrap_up_seconds=0)
        scene.agent("1001", RINGS)
        scene.agent("1002", TALKS, penalty=1)
        scene.calls()
        await asyncio.sleep(10)
        await scene.restart(2.0)

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (20.0, "1002")]
    assert scene.misses() == [("1001", "no_answer")]


@pytest.mark.parametrize("away", [0.5, 5.0])
def test_an_agent_answers_while_nobody_watches(away: float) -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", Phone(rings=0.1, answers=2.2))
        callers.append(scene.calls(hangs_up=30))
        await asyncio.sleep(2)
        await scene.restart(away)
        await asyncio.sleep(1)
        assert scene.talk(callers[0])

    assert told(act).ways_out() == ["answered"]


def test_an_agent_declines_while_nobody_watches() -> None:
    """That is not known: others come first, and he has missed nothing."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", Phone(rings=0.1, rejects=(2.5, 21, 603)))
        scene.agent("1002", TALKS, penalty=1)
        callers.append(scene.calls())
        await asyncio.sleep(2)
        await scene.restart()

    scene = told(act)
    assert scene.rung() == ["1001", "1002"]
    assert not scene.misses()


@pytest.mark.parametrize("killed", [1.0 + 0.0005 * n for n in range(12)] + [1.5, 2.5, 2.9])
@pytest.mark.parametrize("prompt", [True, False])
def test_killed_between_the_answer_and_the_conversation(killed: float, prompt: bool) -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(
            wrap_up_seconds=0,
            agent_prompt=identity("listen") if prompt else None,
            welcome=identity("hello"),
        )
        scene.agent("1001", Phone(rings=0.1, answers=1.0))
        callers.append(scene.calls(hangs_up=20))
        await asyncio.sleep(killed)
        await scene.restart(0.5)
        await asyncio.sleep(6)
        assert scene.talk(callers[0])

    scene = told(act)
    assert scene.ways_out() == ["answered"]
    assert scene.rung() == ["1001"]


@pytest.mark.parametrize("hangs_up", ["the agent", "the caller"])
def test_who_talks_goes_on(hangs_up: str) -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=10)
        scene.agent("1001", Phone(rings=0.1, answers=1.0, hangs_up=20.0))
        scene.calls(hangs_up=11 if hangs_up == "the caller" else 100)
        await asyncio.sleep(5)
        scene.calls()
        await scene.restart()

    scene = told(act)
    ended = 11.0 if hangs_up == "the caller" else 21.0
    assert scene.rings() == [(0.0, "1001"), (ended + 10, "1001")]
    assert scene.visits()[0]["ended_by"] == hangs_up.removeprefix("the ")
    assert scene.visits()[0]["talk_seconds"] == pytest.approx(ended - 1, abs=0.1)


@pytest.mark.parametrize("who", ["the agent", "the caller", "both"])
@pytest.mark.parametrize("stage", ["rings", "talks"])
def test_somebody_hangs_up_while_nobody_watches(who: str, stage: str) -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", RINGS if stage == "rings" else ANSWERS)
        caller = scene.calls(hangs_up=100)
        await asyncio.sleep(5)
        scene.world.kill()
        if who != "the agent":
            scene.hangs_up(caller)
        if who != "the caller":
            scene.asterisk.end(scene.legs_of("1001")[0])
        scene.phone("1001", TALKS)
        await scene.restart()
        await asyncio.sleep(2)
        scene.calls(hangs_up=100)
        await asyncio.sleep(30)

    scene = told(act)
    assert scene.ways_out()[-1] == "answered"
    if stage == "talks":
        assert scene.visits()[0]["talk_seconds"] > 0
        assert scene.slot("1001").talk_seconds > 5
    elif who == "the agent":
        assert not scene.misses()
    else:
        assert scene.ways_out() == ["abandoned", "answered"]


def test_wrap_up_goes_on() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=20)
        scene.agent("1001", TALKS)
        scene.calls()
        await asyncio.sleep(10)
        await scene.restart()
        scene.calls()

    assert told(act).rings() == [(0.0, "1001"), (26.0, "1001")]


def test_wrap_up_ends_while_nobody_watches() -> None:
    """It is written down that it has ended."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=5)
        scene.agent("1001", TALKS)
        scene.calls()
        await asyncio.sleep(10)
        await scene.restart(5.0)
        await asyncio.sleep(1)
        assert scene.slot("1001").wrap_up_until is None

    told(act)


def test_the_wrap_up_of_one_whose_situation_is_another_by_now() -> None:
    """What is written at the start does not hide what Postgres knows."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=30)
        scene.agent("1001", TALKS)
        scene.calls()
        await asyncio.sleep(10)
        scene.register("1001", 0)
        await asyncio.sleep(1)
        await scene.restart()
        scene.register("1001")
        scene.calls()

    assert told(act).rings() == [(0.0, "1001"), (36.0, "1001")]


def test_a_rest_goes_on() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(ring_seconds=4, break_after_misses=2)
        scene.agent("1001", RINGS)
        scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        await scene.restart()

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (9.0, "1001")]
    wanted = scene.world.agents.presence(identity("1001"), None)
    assert wanted
    assert wanted.wanted is Wanted.BREAK


@pytest.mark.parametrize("stage", ["waits", "rings", "talks", "wraps up"])
def test_asterisk_restarts(stage: str) -> None:
    """Everything ends once, and the agents are free."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        phones = {"waits": None, "rings": RINGS, "talks": ANSWERS, "wraps up": TALKS}
        scene.agent("1001", phones[stage])
        scene.phone("1001", phones[stage] or TALKS)
        scene.calls(hangs_up=100)
        await asyncio.sleep(8)
        scene.asterisk.restart(EPOCH + timedelta(seconds=9))
        await asyncio.sleep(2)
        scene.asterisk.connect(scene.asterisk.inboxes)
        await scene.begin()
        scene.phone("1001", TALKS)
        scene.register("1001")
        scene.calls(hangs_up=100)
        await asyncio.sleep(10)

    scene = told(act)
    assert scene.ways_out()[-1] == "answered"
    assert len(scene.ways_out()) == 2


def test_the_welcome_of_before_is_stopped_for_an_agent() -> None:
    """It was begun before anybody rang, and the process was killed after that."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0, welcome=identity("hello"))
        scene.asterisk.media_seconds[prompt("hello")] = 10.0
        callers.append(scene.calls(hangs_up=20))
        await asyncio.sleep(1)
        scene.agent("1001", Phone(rings=0.1, answers=2.0))
        await asyncio.sleep(1)
        await scene.restart(0.5)
        await asyncio.sleep(2)
        assert scene.talk(callers[0])

    told(act)
