"""What agents do beside the calls of a queue, and after them."""

import asyncio
from datetime import timedelta

import pytest

from stasis_app.words import ExtensionStatus, Wanted
from tests.support.fake_phones import EPOCH, Phone

from .queue_stage import Scene, told
from .rows import identity
from .stage import ANSWERS, RINGS

TALKS = Phone(rings=0.1, answers=1.0, hangs_up=5.0)


def seconds(scene: Scene, column: str, number: str = "1001") -> float | None:
    at = getattr(scene.slot(number), column)
    return None if at is None else round((at - EPOCH).total_seconds(), 1)


def test_wrap_up() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=12)
        scene.agent("1001", TALKS)
        scene.calls()
        scene.calls()
        await asyncio.sleep(10)
        assert seconds(scene, "wrap_up_until") == 18.0

    scene = told(act)
    assert scene.rings() == [(0.0, "1001"), (18.0, "1001")]
    assert seconds(scene, "wrap_up_until") is None


def test_wrap_up_holds_over_two_queues() -> None:
    async def act(scene: Scene) -> None:
        scene.queue("sales", wrap_up_seconds=30)
        scene.queue("support", "8001", wrap_up_seconds=0)
        scene.agent("1001", TALKS, "sales support")
        scene.calls("8000")
        await asyncio.sleep(10)
        scene.calls("8001")

    assert told(act).rings() == [(0.0, "1001"), (36.0, "1001")]


def test_the_longest_wrap_up_counts() -> None:
    async def act(scene: Scene) -> None:
        scene.queue("sales", wrap_up_seconds=50)
        scene.queue("support", "8001", wrap_up_seconds=5)
        scene.agent("1001", TALKS, "sales support")
        scene.calls("8000")
        await asyncio.sleep(10)
        floor = scene.world.exchange.floor
        # a call of the other queue that ends meanwhile shortens nothing
        found = scene.world.book.queues.get(identity("support"))
        assert found
        at = EPOCH + timedelta(seconds=10)
        floor.ended(identity("1001"), identity("another"), found, at, 1.0)
        scene.calls("8001")

    assert told(act).rings() == [(0.0, "1001"), (56.0, "1001")]


def test_no_wrap_up_is_longer_than_the_longest() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=100)
        scene.world.set(queues__longest_wrap_up_seconds=20)
        scene.agent("1001", TALKS)
        scene.calls()
        scene.calls()

    assert told(act).rings() == [(0.0, "1001"), (26.0, "1001")]


def test_a_code_ends_the_wrap_up() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=60)
        scene.agent("1001", TALKS)
        scene.calls()
        scene.calls()
        await asyncio.sleep(10)
        scene.calls("*47", "1001", hangs_up=4)
        await asyncio.sleep(20)

    scene = told(act)
    assert [number for _, number in scene.rings()] == ["1001", "1001"]
    assert 10.0 <= scene.rings()[1][0] <= 14.1


def test_the_agent_hangs_up_first_or_the_caller() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", TALKS)
        scene.calls()
        await asyncio.sleep(10)
        scene.calls(hangs_up=3)

    scene = told(act)
    assert [row["ended_by"] for row in scene.visits()] == ["agent", "caller"]
    assert [round(row["talk_seconds"]) for row in scene.visits()] == [5, 2]


def test_an_agent_who_has_a_call_of_his_own_is_not_rung() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.world.extension("1009")
        scene.phone("1009", ANSWERS)
        scene.calls("1009", "1001", hangs_up=10)
        await asyncio.sleep(1)
        scene.calls()

    assert told(act).rings() == [(0.0, "1009"), (10.0, "1001")]


def test_an_agent_who_is_called_otherwise_is_not_rung() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", Phone(rings=0.1, answers=8.0, hangs_up=5.0))
        scene.calls("1001", "1009", hangs_up=5)
        await asyncio.sleep(1)
        scene.calls()

    assert told(act).rings() == [(0.0, "1001"), (5.0, "1001")]


def test_an_agent_in_a_call_of_the_queue_is_busy_for_others() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", ANSWERS)
        scene.change("1001", max_concurrent_calls=1)
        scene.calls(hangs_up=20)
        for after in (1, 5):
            scene.calls_later(after, "1001", "1009", 3.0)
        await asyncio.sleep(10)

    scene = told(act)
    assert scene.rung() == ["1001"]
    assert scene.world.ends().count("busy") == 2


@pytest.mark.parametrize("begins", [0.002 + n / 1000 for n in range(8)])
def test_an_agent_begins_a_call_while_he_is_reserved(begins: float) -> None:
    """Whose phone has begun to ring has it ring on; nobody else's is begun."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", RINGS)
        scene.world.agents.seconds = 0.005
        scene.world.extension("1009")
        scene.phone("1009", ANSWERS)
        scene.calls(hangs_up=15)
        scene.calls_later(begins, "1009", "1001", 10.0)
        await asyncio.sleep(2)

    scene = told(act)
    first = scene.rings()[0]
    assert first[1] in ("1001", "1009")
    own = next(leg.made_at for leg in scene.legs_of("1009"))
    assert all(leg.made_at < own + 0.005 or leg.made_at > 9 for leg in scene.legs_of("1001"))


def test_an_agent_who_has_begun_a_call_is_not_rung_any_more() -> None:
    """Postgres is slow, and he has been faster."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.world.agents.seconds = 0.5
        scene.world.extension("1009")
        scene.phone("1009", ANSWERS)
        scene.calls(hangs_up=15)
        scene.calls_later(0.2, "1009", "1001", 5.0)
        await asyncio.sleep(2)
        scene.world.agents.seconds = 0.001

    assert told(act).rings() == [(0.2, "1009"), (5.2, "1001")]


def test_do_not_disturb() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.change("1001", dnd=True)
        scene.calls()
        await asyncio.sleep(5)
        scene.change("1001", dnd=False)

    assert told(act).rings() == [(5.0, "1001")]


def test_an_agent_without_a_phone_burns_no_time() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", None)
        scene.agent("1002", TALKS)
        scene.calls()

    assert told(act).rings() == [(0.0, "1002")]


def test_an_agent_registers_while_callers_wait() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", None)
        scene.phone("1001", TALKS)
        scene.calls()
        await asyncio.sleep(5)
        scene.register("1001")

    assert told(act).rings() == [(5.0, "1001")]


def test_an_extension_that_is_made_inactive() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.change("1001", status=ExtensionStatus.INACTIVE)
        scene.calls(hangs_up=10)

    assert not told(act).rings()


def test_forwards_of_an_agent_are_not_for_the_queue() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.change("1001", forward_unconditional="1009", max_concurrent_calls=0)
        scene.calls()

    assert told(act).rung() == ["1001"]


@pytest.mark.parametrize("queue", [None, "sales"])
def test_a_break(queue: str | None) -> None:
    """It takes effect at once, also for one who has been reserved but is not rung yet."""

    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.queue("other", "8001", wrap_up_seconds=0)
        scene.agent("1001", TALKS, "sales other")
        scene.world.agents.want(
            identity("1001"), identity(queue) if queue else None, Wanted.BREAK, "lunch"
        )
        await asyncio.sleep(1)
        scene.calls(hangs_up=20)
        scene.calls("8001", hangs_up=20)

    rings = told(act).rings()
    assert rings == ([] if queue is None else [(1.0, "1001")])


def test_a_break_that_is_asked_for_while_it_rings_begins_after_the_call() -> None:
    async def act(scene: Scene) -> None:
        scene.queue(wrap_up_seconds=0)
        scene.agent("1001", Phone(rings=0.1, answers=4.0, hangs_up=5.0))
        caller = scene.calls()
        await asyncio.sleep(2)
        scene.world.agents.want(identity("1001"), None, Wanted.BREAK)
        await asyncio.sleep(3)
        scene.calls(hangs_up=20)
        await asyncio.sleep(10)
        assert scene.partner(caller) == ["1001"]

    assert told(act).rung() == ["1001"]


def test_a_break_that_the_book_does_not_know_yet() -> None:
    """Postgres refuses the reservation; nothing rings, nothing loops."""

    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", TALKS)
        scene.agent("1002", TALKS, penalty=1)
        scene.world.agents.books = []
        scene.world.agents.watchers = []
        scene.world.agents.want(identity("1001"), None, Wanted.BREAK)
        scene.calls(hangs_up=30)

    scene = told(act)
    assert scene.rings() == [(0.0, "1002")]


def test_a_situation_is_written_once() -> None:
    async def act(scene: Scene) -> None:
        scene.queue()
        scene.agent("1001", None)
        scene.world.extension("1009")
        scene.phone("1009", ANSWERS)
        scene.phone("1001", ANSWERS)
        scene.register("1001")
        scene.calls("1009", "1001", hangs_up=5)
        await asyncio.sleep(10)
        scene.calls(hangs_up=10)

    scene = told(act)
    written = [
        (one["agent"]["engaged"], one["agent"]["hindrance"])
        for one in scene.world.records
        if "agent" in one and one["agent"]["change"] == "situation"
    ]
    assert written == [(False, "unregistered"), (False, None), (True, None), (False, None)]
