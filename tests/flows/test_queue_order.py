"""Who is served first, and by whom."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stasis_app.rules.models import Asked, Target
from stasis_app.words import QueueStrategy, TargetType, Wanted
from tests.support.fake_phones import EPOCH, Channel, Phone

from .queue_stage import Scene, told
from .rows import identity, inbound_rule, presence, to_queue
from .stage import RINGS, delivers

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
LONG = Phone(rings=0.1, answers=1.0, hangs_up=100.0)
SHORT = Phone(rings=0.1, answers=1.0, hangs_up=1.0)


def order(scene: Scene, callers: list[Channel]) -> list[int]:
    """Return the callers by their place in the list, in the order in which they were served."""
    ids = [caller.id for caller in callers]
    by_call = {
        record["call"]: ids.index(record["position"]["channel_id"])
        for record in scene.world.records
        if "begin" in record
    }
    return [
        by_call[record["call"]]
        for record in scene.world.records
        if "event" in record and record["event"][2] == "CONNECT"
    ]


def test_first_come_first_served() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", TALKS)
        for _ in range(5):
            callers.append(scene.calls())
            await asyncio.sleep(0.5)

    assert order(told(act), callers) == [0, 1, 2, 3, 4]


def test_the_urgent_first() -> None:
    """A rule gives a priority, and a queue one to calls that nothing else gave any."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", TALKS)
        for did, priority in (("+493011", None), ("+493012", 5), ("+493013", 9)):
            rule = inbound_rule(did, did, to_queue("sales"), asked=Asked(priority))
            scene.world.keep(inbound_rules=rule)
        for did in ("+493011", "+493011", "+493012", "+493012", "+493013"):
            callers.append(await delivers(scene.world, did, hangs_up=100))
            await asyncio.sleep(0.3)

    assert order(told(act), callers) == [0, 4, 2, 3, 1]


def test_priority_of_the_queue() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue("sales", wrap_up_seconds=0)
        scene.queue("vip", "8001", wrap_up_seconds=0, priority=3)
        scene.agent("1001", TALKS, "sales vip")
        for number in ("8000", "8000", "8001"):
            callers.append(scene.calls(number))
            await asyncio.sleep(0.5)

    assert order(told(act), callers) == [0, 2, 1]


def test_weights_of_queues() -> None:
    """Weight times wait decides: 8 s of four count more than 20 s of one."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue("sales", wrap_up_seconds=0)
        scene.queue("heavy", "8001", wrap_up_seconds=0, weight=4)
        scene.agent("1001", replace(TALKS, hangs_up=22.0), "sales heavy")
        callers.append(scene.calls("8000"))
        await asyncio.sleep(1)
        callers.append(scene.calls("8000"))
        await asyncio.sleep(12)
        callers.append(scene.calls("8001"))

    assert order(told(act), callers) == [0, 2, 1]


def served_by(strategy: QueueStrategy, calls: int, phone: Phone = SHORT) -> list[str]:
    async def act(scene: Scene) -> None:
        scene.queue(strategy=strategy, wrap_up_seconds=0)
        for number in ("1001", "1002", "1003"):
            scene.agent(number, phone)
        for _ in range(calls):
            scene.calls(hangs_up=9)
            await asyncio.sleep(10)

    return told(act).rung()


def test_longest_idle() -> None:
    rung = served_by(QueueStrategy.LONGEST_IDLE, 7)
    assert rung == ["1001", "1002", "1003", "1001", "1002", "1003", "1001"]


def test_longest_idle_counts_from_the_login() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        for number in ("1001", "1002", "1003"):
            scene.agent(number, SHORT)
        scene.world.keep(agent_states=presence("1001", Wanted.AVAILABLE, since=EPOCH))
        scene.world.keep(
            agent_states=presence("1003", Wanted.AVAILABLE, "sales", since=EPOCH + timedelta(0, 1))
        )
        for _ in range(3):
            scene.calls(hangs_up=9)
            await asyncio.sleep(10)

    assert told(act).rung() == ["1002", "1001", "1003"]


def test_round_robin() -> None:
    """Who was offered a call last comes last, also if he did not take it."""

    async def act(scene: Scene) -> None:
        scene.queue(strategy=QueueStrategy.ROUND_ROBIN, wrap_up_seconds=0, ring_seconds=3)
        for number in ("1001", "1002", "1003"):
            scene.agent(number, SHORT)
        scene.phone("1002", RINGS)
        scene.world.set(queues__delay_no_answer_seconds=1)
        for _ in range(4):
            scene.calls(hangs_up=9)
            await asyncio.sleep(10)

    assert told(act).rung() == ["1001", "1002", "1003", "1001", "1002", "1003"]


def test_least_talk_time() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(strategy=QueueStrategy.LEAST_TALK_TIME, wrap_up_seconds=0)
        for number, talks in (("1001", 7.0), ("1002", 2.0), ("1003", 3.0)):
            scene.agent(number, replace(SHORT, hangs_up=talks))
        for _ in range(7):
            scene.calls(hangs_up=9)
            await asyncio.sleep(10)

    assert told(act).rung() == ["1001", "1002", "1003", "1002", "1003", "1002", "1002"]


def test_random() -> None:
    rung = served_by(QueueStrategy.RANDOM, 60)
    assert {rung.count(number) > 8 for number in ("1001", "1002", "1003")} == {True}


def test_lower_priority_and_penalty_first() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", LONG, priority=1)
        scene.agent("1002", LONG, penalty=1)
        scene.agent("1003", LONG)
        for _ in range(3):
            scene.calls(hangs_up=50)
            await asyncio.sleep(3)

    assert told(act).rung() == ["1003", "1002", "1001"]


def asks(scene: Scene, *skills: str) -> None:
    """Let who calls that number ask for skills."""
    did = "+49308" if not skills else f"+49308{len(skills)}"
    rule = inbound_rule(did, did, to_queue("sales"), asked=Asked(None, skills or None))
    scene.world.keep(inbound_rules=rule)


def test_skills() -> None:
    """Who asks for nobody free waits, and holds up nobody."""
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", TALKS)
        scene.agent("1002", TALKS, skills="french tax")
        asks(scene)
        asks(scene, "french", "tax")
        callers.append(await delivers(scene.world, "+493082", hangs_up=100))
        await asyncio.sleep(0.5)
        callers.append(await delivers(scene.world, "+493082", hangs_up=100))
        await asyncio.sleep(0.5)
        callers.append(await delivers(scene.world, "+49308", hangs_up=100))

    scene = told(act)
    assert [scene.partner(caller) for caller in callers] == [["1002"], ["1002"], ["1001"]]
    assert order(scene, callers) == [0, 2, 1]


@pytest.mark.parametrize(("relax", "served"), [(None, []), (10.0, [(20.0, "1001")])])
def test_skills_are_dropped(relax: float | None, served: list[object]) -> None:
    """The last one after 10 s, the next after 20 s."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0, relax_seconds=relax)
        scene.agent("1001", TALKS, skills="")
        asks(scene, "french", "tax")
        await delivers(scene.world, "+493082", hangs_up=60)

    assert told(act).rings() == served


def test_two_callers_and_one_agent() -> None:
    callers: list[Channel] = []

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=10)
        scene.agent("1001", TALKS)
        callers.extend([scene.calls(), scene.calls()])

    scene = told(act)
    assert order(scene, callers) == [0, 1]
    assert scene.rings() == [(0.0, "1001"), (16.0, "1001")]


def test_an_agent_of_two_queues_has_one_call() -> None:
    async def act(scene: Scene) -> None:
        scene.queue("sales", wrap_up_seconds=0)
        scene.queue("support", "8001", wrap_up_seconds=0)
        scene.agent("1001", TALKS, "sales support")
        scene.calls("8000")
        scene.calls("8001")

    assert told(act).rings() == [(0.0, "1001"), (6.0, "1001")]


def test_a_menu_leads_into_a_queue() -> None:
    target = Target(TargetType.QUEUE, identity("sales"))

    async def act(scene: Scene) -> None:
        scene.queue(number=None)
        scene.agent("1001", TALKS)
        scene.world.keep(inbound_rules=inbound_rule("in", "+49309", target))
        await delivers(scene.world, "+49309", hangs_up=60)

    assert told(act).rung() == ["1001"]
