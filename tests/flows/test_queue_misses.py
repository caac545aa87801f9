"""Agents who do not take a call: they rest, and the caller goes to others first."""

import asyncio

import pytest

from stasis_app.rules.models import Asked
from stasis_app.words import HangupCause
from tests.support.fake_phones import Phone

from .queue_stage import BUSY, NO_ANSWER, REJECTED, UNAVAILABLE, Scene, told
from .rows import identity, inbound_rule, to_queue
from .stage import BUSY as IS_BUSY
from .stage import DECLINES, RINGS, delivers

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)

MISSES: dict[str, tuple[Phone, HangupCause, float]] = {
    "rings on": (RINGS, NO_ANSWER, 20 + 5),
    "declines": (DECLINES, REJECTED, 1 + 10),
    "is busy": (IS_BUSY, BUSY, 0.1 + 10),
    "is gone": (Phone(rings=None, rejects=(0.2, 20, 480)), UNAVAILABLE, 0.2 + 10),
}


@pytest.mark.parametrize("miss", MISSES)
def test_an_agent_who_misses_rests(miss: str) -> None:
    phone, cause, after = MISSES[miss]

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", phone)
        scene.calls(hangs_up=after + 1)

    scene = told(act)
    assert [round(at - after, 0) for at, _ in scene.rings()] == [-round(after), 0]
    assert scene.misses()[0] == ("1001", cause)
    assert scene.ways_out() == ["abandoned"]


def test_the_next_agent_rings_at_once() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", DECLINES)
        scene.agent("1002", TALKS)
        caller = scene.calls()
        await asyncio.sleep(10)
        assert scene.partner(caller) == ["1002"]

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (1.0, "1002")]
    assert scene.visits()[0]["offers"] == 2


def test_who_declined_is_not_asked_again_while_there_is_another() -> None:
    """1001 is free again after 10 s, 1002 talks for longer: the caller waits for him."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=30.0))
        scene.calls(hangs_up=100)
        await asyncio.sleep(2)
        scene.agent("1001", DECLINES)
        scene.calls(hangs_up=100)

    scene = told(act)
    assert scene.rings() == [(0.0, "1002"), (2.0, "1001"), (31.0, "1002")]


def test_who_declined_is_asked_again_when_the_other_has_logged_out() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=30.0))
        scene.calls(hangs_up=100)
        await asyncio.sleep(2)
        scene.agent("1001", DECLINES)
        scene.calls(hangs_up=20)
        await asyncio.sleep(13)
        scene.register("1002", 0)

    scene = told(act)
    assert scene.rings()[:3] == [(0.0, "1002"), (2.0, "1001"), (15.0, "1001")]


def test_who_declined_is_asked_again_after_a_while() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.world.set(queues__reject_memory_seconds=20)
        scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=90.0))
        scene.calls(hangs_up=100)
        await asyncio.sleep(2)
        scene.agent("1001", DECLINES)
        scene.calls(hangs_up=24)

    scene = told(act)
    assert scene.rings() == [(0.0, "1002"), (2.0, "1001"), (23.0, "1001")]


def test_who_declined_again_is_not_asked_when_the_first_time_is_forgotten() -> None:
    """Declines at 1 s, alone; again at 12 s, when there is another, who talks."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.world.set(queues__reject_memory_seconds=20)
        scene.agent("1001", DECLINES)
        scene.calls(hangs_up=34)
        await asyncio.sleep(5)
        scene.queue("other", "8001")
        scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=90.0), "other")
        scene.calls("8001", hangs_up=100)
        await asyncio.sleep(2)
        scene.agent("1002", None)

    scene = told(act)
    rings = [at for at, number in scene.rings() if number == "1001"]
    assert rings == [0.0, 11.0, 32.0]


def test_who_can_t_serve_a_call_is_no_other() -> None:
    """Only 1001 speaks French: he is asked again when he has rested."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", DECLINES, skills="french")
        scene.agent("1002", Phone(rings=0.1, answers=1.0, hangs_up=90.0), penalty=1)
        rule = inbound_rule("in", "+49301", to_queue("sales"), asked=Asked(None, ("french",)))
        scene.world.keep(inbound_rules=rule)
        await delivers(scene.world, "+49301", hangs_up=13)

    assert told(act).rings() == [(0.0, "1001"), (11.0, "1001")]


def test_too_many_misses_are_a_break() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(ring_seconds=4, break_after_misses=3)
        scene.agent("1001", RINGS)
        scene.calls(hangs_up=100)

    scene = told(act)
    assert len(scene.rings()) == 3
    wanted = scene.world.agents.presence(identity("1001"), None)
    assert wanted
    assert (wanted.wanted, wanted.reason) == ("break", "missed")


def test_only_misses_in_a_row_count() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(ring_seconds=4, break_after_misses=2, wrap_up_seconds=0)
        scene.agent("1001", RINGS)
        for phone in (RINGS, TALKS, RINGS, DECLINES, IS_BUSY, TALKS):
            scene.phone("1001", phone)
            scene.calls(hangs_up=8)
            await asyncio.sleep(30)

    assert told(act).world.agents.presence(identity("1001"), None) is None


def test_one_who_declines_speaks_for_all_his_phones() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", RINGS)
        scene.world.extension("1001", contacts=2)
        scene.asterisk.phones["PJSIP/1001/sip:1001@192.0.2.0"] = RINGS
        scene.asterisk.phones["PJSIP/1001/sip:1001@192.0.2.1"] = DECLINES
        scene.agent("1002", TALKS)
        scene.calls(hangs_up=30)

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (0.0, "1001"), (1.0, "1002")]
    assert scene.misses() == [("1001", REJECTED)]
