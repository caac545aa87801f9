"""Callers who are not let in, and those who leave the line without having been served."""

import asyncio
from typing import Any

import pytest

from stasis_app.rules.models import Target
from stasis_app.words import Left, OverflowAction, QueueStatus, Wanted, WhenEmpty
from tests.support.fake_phones import Phone

from .mailbox_stage import with_box
from .queue_stage import Scene, told
from .rows import identity, menu, to_box, to_menu, to_outside, to_queue
from .stage import ANSWERS, NUMBER, RINGS, with_trunks
from .world import over

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)
LEFT_BY = {
    Left.TIMEOUT: "EXITWITHTIMEOUT",
    Left.KEY: "EXITWITHKEY",
    Left.EMPTY: "EXITEMPTY",
    Left.CLOSED: "EXITEMPTY",
    Left.ABANDONED: "ABANDON",
}


def staffed(scene: Scene, phone: Phone = RINGS, **columns: Any) -> None:
    scene.queue(**columns)
    scene.agent("1001", phone)


def left(scene: Scene) -> list[tuple[str, float]]:
    """Return how the callers left the queue, and after how many seconds."""
    noted = [one for event in set(LEFT_BY.values()) for one in scene.world.details(event)]
    waits = [round(float(one["wait"])) for one in noted]
    return list(zip(scene.ways_out(), waits, strict=True))


def test_the_last_agent_logs_out_of_the_queue() -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, when_empty=WhenEmpty.LEAVE)
        scene.agent("1002")
        for number in ("1001", "1002"):
            scene.world.agents.want(identity(number), None, Wanted.BREAK)
        await asyncio.sleep(0.1)
        scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        scene.world.agents.want(identity("1002"), None, Wanted.OFFLINE)
        await asyncio.sleep(5)
        scene.world.agents.want(identity("1001"), identity("sales"), Wanted.OFFLINE)

    assert left(told(act)) == [("empty", 10)]


def test_the_last_agent_is_taken_out_of_the_queue() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(when_empty=WhenEmpty.LEAVE)
        row = scene.agent("1001")
        scene.world.agents.want(identity("1001"), None, Wanted.BREAK)
        await asyncio.sleep(0.1)
        scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        scene.delete("queue_members", row.id)

    assert left(told(act)) == [("empty", 5)]


def test_an_agent_s_phone_is_off_for_a_while() -> None:
    """Nobody new is let in then; who waits goes on hoping."""

    async def act(scene: Scene) -> None:
        staffed(scene, when_empty=WhenEmpty.LEAVE)
        scene.world.agents.want(identity("1001"), None, Wanted.BREAK)
        await asyncio.sleep(0.1)
        scene.calls(hangs_up=20)
        await asyncio.sleep(5)
        scene.register("1001", 0)
        scene.calls(hangs_up=20)

    assert told(act).ways_out() == ["abandoned", "empty"]


# given up


def test_after_the_longest_wait() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(max_wait_seconds=30)
        scene.calls(hangs_up=100)

    scene = told(act)
    assert left(scene) == [("timeout", 30)]
    assert scene.world.ends() == ["no_answer"]


def test_who_rings_may_answer_after_the_longest_wait() -> None:
    """An offer is not broken off for it."""

    async def act(scene: Scene) -> None:
        scene.queue(max_wait_seconds=10, ring_seconds=5)
        scene.calls(hangs_up=100)
        await asyncio.sleep(8)
        scene.agent("1001", Phone(rings=0.1, answers=4.0, hangs_up=3.0))

    assert told(act).ways_out() == ["answered"]


OVERFLOWS: dict[OverflowAction, Target] = {
    OverflowAction.VOICEMAIL: to_box("1001"),
    OverflowAction.IVR: to_menu("main"),
    OverflowAction.EXTERNAL: to_outside(NUMBER),
}


def overflowing(scene: Scene, action: OverflowAction, **columns: Any) -> None:
    with_trunks(scene.world)
    scene.asterisk.phones[over("A", NUMBER)] = ANSWERS
    scene.world.keep(ivr_menus=menu("main"))
    scene.world.extension("1001")
    with_box(scene.world, "1001")
    scene.queue(overflow_action=action, overflow=OVERFLOWS.get(action), **columns)


REACHED = {
    OverflowAction.VOICEMAIL: "MESSAGE_BEGUN".lower(),
    OverflowAction.IVR: "MENU_ENTERED".lower(),
    OverflowAction.EXTERNAL: "DIALLED_OUT".lower(),
}


@pytest.mark.parametrize("action", OVERFLOWS)
@pytest.mark.parametrize("why", [Left.TIMEOUT, Left.FULL, Left.CLOSED])
def test_overflow(action: OverflowAction, why: Left) -> None:
    async def act(scene: Scene) -> None:
        columns: dict[Left, dict[str, Any]] = {
            Left.TIMEOUT: {"max_wait_seconds": 5},
            Left.FULL: {"max_size": 0},
            Left.CLOSED: {"status": QueueStatus.PAUSED},
        }
        overflowing(scene, action, **columns[why])
        scene.calls(hangs_up=40)

    scene = told(act)
    assert scene.ways_out() == [why]
    assert REACHED[action] in scene.world.events()
    [forwarded] = scene.world.details("forwarded")
    assert forwarded["number"] == "queue sales"


def test_the_exit_key() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(exit_key="0", exit_target=to_queue("other"))
        scene.queue("other", "8001")
        scene.agent("1001", TALKS, "other")
        caller = scene.calls()
        await asyncio.sleep(5)
        scene.asterisk.press(caller, "70")
        await asyncio.sleep(10)
        assert scene.partner(caller) == ["1001"]

    scene = told(act)
    assert scene.ways_out() == ["key", "answered"]
    [exited] = scene.world.details("EXITWITHKEY")
    assert (exited["key"], exited["position"]) == ("0", 1)


def test_the_exit_key_while_agents_ring() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(exit_key="0", exit_target=to_queue("other"), wrap_up_seconds=0)
        scene.agent("1001", RINGS)
        scene.queue("other", "8001")
        caller = scene.calls()
        await asyncio.sleep(5)
        scene.asterisk.press(caller, "0")
        await asyncio.sleep(5)

    scene = told(act)
    assert scene.ways_out() == ["key", "abandoned"]
    assert scene.legs_of("1001")[0].hung_up_with == 16
    assert not scene.misses()
    # nobody was reserved for one who is about to leave
    assert len(scene.world.agents.given) == 1


def test_the_exit_key_that_leads_nowhere() -> None:
    async def act(scene: Scene) -> None:
        overflowing(scene, OverflowAction.IVR, exit_key="0")
        caller = scene.calls(hangs_up=40)
        await asyncio.sleep(5)
        scene.asterisk.press(caller, "0")

    assert told(act).ways_out() == ["abandoned"]


def test_a_key_in_the_welcome() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(exit_key="0", exit_target=to_menu("main"), welcome=identity("hello"))
        scene.world.keep(ivr_menus=menu("main"))
        caller = scene.calls(hangs_up=40)
        await asyncio.sleep(1)
        scene.asterisk.press(caller, "0")

    assert left(told(act)) == [("key", 1)]


def test_a_reservation_that_is_made_when_the_caller_has_gone_on() -> None:
    """Postgres is slow: the agent was reserved for another line of the same call."""

    async def act(scene: Scene) -> None:
        scene.queue(exit_key="0", exit_target=to_queue("other"))
        scene.queue("other", "8001")
        scene.agent("1002", TALKS, "other")
        caller = scene.calls()
        await asyncio.sleep(5)
        scene.register("1002", 0)
        scene.world.agents.seconds = 0.05
        scene.asterisk.press(caller, "0")
        scene.agent("1001", TALKS)
        await asyncio.sleep(0.06)
        scene.register("1002")
        scene.world.agents.seconds = 0.001
        await asyncio.sleep(20)
        assert scene.partner(caller) == ["1002"]

    told(act)


# rows that change


@pytest.mark.parametrize("seconds", [0.2, 5.0])
def test_the_queue_is_deleted(seconds: float) -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, Phone(rings=0.1, rejects=(2.0, 21, 603)))
        scene.calls(hangs_up=60)
        await asyncio.sleep(seconds)
        scene.delete("queues", identity("sales"))

    scene = told(act)
    assert left(scene) == [("closed", max(round(seconds), 2))]


def test_the_queue_is_made_inactive() -> None:
    async def act(scene: Scene) -> None:
        staffed(scene)
        scene.register("1001", 0)
        scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        scene.queue(status=QueueStatus.INACTIVE)

    assert left(told(act)) == [("closed", 5)]


def test_who_waits_in_a_paused_queue_is_served() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        caller = scene.calls(hangs_up=60)
        await asyncio.sleep(5)
        scene.queue(status=QueueStatus.PAUSED)
        scene.agent("1001", TALKS)
        await asyncio.sleep(5)
        assert scene.partner(caller) == ["1001"]

    told(act)


def test_the_longest_wait_is_changed_meanwhile() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(max_wait_seconds=100)
        scene.calls(hangs_up=200)
        await asyncio.sleep(5)
        scene.queue(max_wait_seconds=20)

    assert left(told(act)) == [("timeout", 20)]


def test_the_queue_is_deleted_while_two_talk() -> None:
    async def act(scene: Scene) -> None:
        staffed(scene, TALKS)
        scene.calls(hangs_up=60)
        await asyncio.sleep(3)
        scene.delete("queues", identity("sales"))

    scene = told(act)
    assert scene.ways_out() == ["answered"]
    assert scene.visits()[0]["talk_seconds"] == pytest.approx(5.0, abs=0.1)
