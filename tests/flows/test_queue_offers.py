"""An agent is offered a call: he answers, or he does not, or too late."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence, say
from stasis_app.rules.spoken import Language
from stasis_app.words import QueueStrategy, Wanted
from tests.support.fake_phones import Fault, Phone

from .queue_stage import REJECTED, Scene, prompt, told
from .rows import identity
from .stage import ANSWERS, RINGS
from .world import endpoint

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
SLOW = Phone(rings=0.1, answers=4.0, hangs_up=5.0)


def ring_all(scene: Scene, phones: dict[str, Phone], **columns: Any) -> None:
    scene.queue(strategy=QueueStrategy.RING_ALL, wrap_up_seconds=0, **columns)
    for number, phone in phones.items():
        scene.agent(number, phone)


def test_all_ring_and_the_first_wins() -> None:
    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": SLOW, "1002": TALKS, "1003": SLOW})
        caller = scene.calls()
        await asyncio.sleep(20)
        assert scene.partner(caller) == ["1002"]

    scene = told(act)
    assert sorted(scene.rung()) == ["1001", "1002", "1003"]
    losers = [scene.legs_of(number)[0] for number in ("1001", "1003")]
    assert [leg.hung_up_with for leg in losers] == [26, 26]
    answered = scene.legs_of("1002")[0].up_at or 0.0
    assert all(0.04 < (leg.ended_at or 0.0) - answered < 0.07 for leg in losers)
    cancelled = [one["agent"] for one in scene.world.details("RINGCANCELED")]
    assert sorted(cancelled) == ["1001", "1003"]
    assert not scene.misses()
    assert not scene.slot("1001").rests_until


def test_only_the_best_group_rings() -> None:
    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": RINGS, "1002": RINGS}, ring_seconds=5)
        scene.agent("1003", TALKS, penalty=1)
        scene.calls(hangs_up=60)

    assert sorted(told(act).rings()) == [(0.0, "1001"), (0.0, "1002"), (5.0, "1003")]


def test_an_answer_that_crosses_another_on_the_wire() -> None:
    """The agent hears that the call is taken, and gets the next one."""

    async def act(scene: Scene) -> None:
        late = Phone(rings=0.1, answers=1.02)
        ring_all(scene, {"1001": TALKS, "1002": late})
        first = scene.calls()
        await asyncio.sleep(1.5)
        scene.phone("1002", TALKS)
        next_one = scene.calls()
        await asyncio.sleep(30)
        assert scene.partner(first) == ["1001"]
        assert scene.partner(next_one) == ["1002"]

    scene = told(act)
    late = scene.legs_of("1002")[0]
    told_him = [media for _, channel, media in scene.asterisk.played if channel == late.id]
    assert told_him == list(say(Sentence.TAKEN, Language.EN))
    assert late.hung_up_with == 26
    assert not scene.misses()


def test_two_phones_of_one_agent_answer_in_one_moment() -> None:
    """One of them has the call, the other is silent; and the agent is busy all the while."""

    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": RINGS})
        scene.world.extension("1001", contacts=2)
        scene.asterisk.phones[endpoint("1001", 0, 2)] = Phone(rings=0.1, answers=1.0)
        scene.asterisk.phones[endpoint("1001", 1, 2)] = Phone(rings=0.1, answers=1.02)
        first = scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        scene.calls(hangs_up=10)
        await asyncio.sleep(30)
        assert scene.talk(first)

    scene = told(act)
    assert len(scene.rings()) == 2
    assert scene.ways_out() == ["answered", "abandoned"]
    assert "RINGCANCELED" not in scene.world.events()


def test_asterisk_fails_to_hang_up_who_was_told_that_it_is_taken() -> None:
    """He is free all the same, and his phone does not stay off the hook."""

    async def act(scene: Scene) -> None:
        late = Phone(rings=0.1, answers=1.02)
        ring_all(scene, {"1001": TALKS, "1002": late})
        scene.calls()
        await asyncio.sleep(1.5)
        [leg] = scene.legs_of("1002")
        scene.asterisk.faults = {len(scene.asterisk.requests): Fault.UNREACHABLE}
        await asyncio.sleep(20)
        assert not leg.alive
        scene.phone("1002", TALKS)
        scene.register("1001", 0)
        scene.calls()

    scene = told(act)
    assert scene.rung()[-1] == "1002"
    assert scene.ways_out() == ["answered", "answered"]


def test_one_caller_after_another_while_all_ring() -> None:
    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": TALKS, "1002": SLOW, "1003": SLOW})
        callers = [scene.calls(), scene.calls()]
        await asyncio.sleep(40)
        assert [len(scene.partner(caller)) for caller in callers] == [1, 1]

    told(act)


def test_an_agent_hangs_up_before_he_is_joined() -> None:
    """The caller keeps the place, and others are rung."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", Phone(rings=0.1, answers=1.0, hangs_up=0.0005))
        first, second = scene.calls(), scene.calls()
        await asyncio.sleep(0.5)
        scene.agent("1002", TALKS)
        await asyncio.sleep(40)
        assert "1002" in scene.partner(first)
        assert "1002" in scene.partner(second)

    scene = told(act, left=True)
    first = scene.visits()[0]
    assert first["agent_extension_id"] == str(identity("1002"))


def test_an_agent_hangs_up_during_his_prompt() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0, agent_prompt=identity("listen"))
        scene.agent("1001", Phone(rings=0.1, answers=1.0, hangs_up=1.0))
        caller = scene.calls()
        await asyncio.sleep(1.5)
        scene.agent("1002", TALKS)
        await asyncio.sleep(1.0)
        assert scene.asterisk.music[caller.id]
        await asyncio.sleep(3)
        assert scene.partner(caller) == ["1002"]

    scene = told(act)
    assert scene.misses() == [("1001", REJECTED)]
    assert [media for _, _, media in scene.asterisk.played] == [prompt("listen")] * 2
    # answered after 1 s, prompt of 2 s
    assert scene.legs_of("1002")[0].made_at == pytest.approx(2.0, abs=0.05)


def test_the_caller_hangs_up_during_the_agent_s_prompt() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(agent_prompt=identity("listen"))
        scene.agent("1001", ANSWERS)
        scene.calls(hangs_up=3.0)

    scene = told(act)
    assert scene.ways_out() == ["abandoned"]
    assert not scene.misses()
    assert scene.slot("1001").wrap_up_until is None


def test_a_prompt_that_can_t_be_played_is_passed_over() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(agent_prompt=identity("listen"))
        scene.agent("1001", TALKS)
        scene.asterisk.unplayable.add(prompt("listen"))
        caller = scene.calls()
        await asyncio.sleep(10)
        assert scene.partner(caller) == ["1001"]

    told(act)


def test_a_prompt_that_asterisk_refuses() -> None:
    """The two talk all the same."""

    async def act(scene: Scene) -> None:
        scene.queue(agent_prompt=identity("listen"))
        scene.agent("1001", TALKS)
        caller = scene.calls()
        await asyncio.sleep(0.9)
        scene.asterisk.faults = {len(scene.asterisk.requests): Fault.REFUSED}
        await asyncio.sleep(3)
        assert {verb for verb, _ in scene.asterisk.failed} == {"play"}
        assert scene.partner(caller) == ["1001"]

    assert told(act).ways_out() == ["answered"]


def test_the_caller_hangs_up_while_agents_ring() -> None:
    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": RINGS, "1002": RINGS})
        scene.calls(hangs_up=3)

    scene = told(act)
    assert not scene.misses()
    assert scene.ways_out() == ["abandoned"]
    for number in ("1001", "1002"):
        assert scene.legs_of(number)[0].hung_up_with == 16
        assert scene.slot(number).rests_until is None
        assert scene.slot(number).wrap_up_until is None


@pytest.mark.parametrize("hangs_up", [2.0 + n / 2000 for n in range(-6, 20)])
def test_an_answer_crosses_the_caller_s_hangup(hangs_up: float) -> None:
    """They talk, or nobody has done anything: no miss, no wrap-up."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", ANSWERS)
        caller = scene.calls(hangs_up=100)
        scene.asterisk.at(hangs_up, partial(scene.hangs_up, caller))
        await asyncio.sleep(20)

    scene = told(act)
    assert not scene.misses()
    [visit] = scene.visits()
    answered = visit["left_how"] == "answered"
    assert (scene.slot("1001").last_call_ended_at is not None) == answered


def test_an_agent_who_is_deleted_before_he_rings() -> None:
    """Nobody is waited for who has no phone."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.world.agents.seconds = 0.1
        scene.calls(hangs_up=60)
        await asyncio.sleep(0.05)
        scene.world.book.extensions.forget([identity("1001")])
        scene.agent("1002", TALKS)

    scene = told(act)
    assert scene.rung() == ["1002"]
    assert scene.rings()[0][0] < 1.0


def test_where_all_ring_who_comes_rings_with_the_next_round() -> None:
    """No round counts towards a break."""

    async def act(scene: Scene) -> None:
        ring_all(scene, {"1001": RINGS, "1002": RINGS}, ring_seconds=5, break_after_misses=1)
        scene.agent("1003", RINGS)
        scene.world.agents.want(identity("1003"), None, Wanted.BREAK)
        await asyncio.sleep(0.1)
        scene.calls(hangs_up=13)
        await asyncio.sleep(2)
        scene.world.agents.want(identity("1003"), None, Wanted.AVAILABLE)

    scene = told(act)
    rang = [(round(at), number) for at, number in scene.rings()]
    rounds = [sorted(number for at, number in rang if at == when) for when in (0, 5, 10)]
    assert rounds == [["1001", "1002"], *[["1001", "1002", "1003"]] * 2]
    assert scene.slot("1001").misses == 0
