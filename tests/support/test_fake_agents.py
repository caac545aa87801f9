"""The fake agents answer as Postgres does (see tests/store/test_agents.py)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stasis_app.call import stock
from stasis_app.rules.book import Book
from stasis_app.rules.queues import Presence, Reservation, Slot, Wait
from stasis_app.words import Wanted

from .fake_agents import FakeAgents
from .test_fake_slots import ANNA, ENDED, ONE, SALES, TWO, at, change
from .virtual_time import run

BEN, SUPPORT = UUID(int=2), UUID(int=12)
Scene = Callable[[FakeAgents], Awaitable[None]]


def play(scene: Scene) -> None:
    async def told() -> None:
        agents = FakeAgents(books=[Book()])
        await scene(agents)
        await asyncio.sleep(10)

    run(told())


def wish(
    extension: UUID,
    call: UUID = ONE,
    expected: UUID | None = None,
    queue: UUID = SALES,
    seconds: float = 30,
) -> Reservation:
    return Reservation(extension, queue, call, expected, at(seconds))


def test_calls_may_use_it() -> None:
    async def scene(agents: FakeAgents) -> None:
        used: stock.Agents = agents
        assert list(await used.slots()) == []

    play(scene)


def test_of_two_processes_one_gets_the_agent() -> None:
    async def scene(agents: FakeAgents) -> None:
        wishes = [wish(ANNA, ONE)], [wish(ANNA, TWO), wish(BEN, TWO)]
        first, second = await asyncio.gather(*(agents.reserve(one) for one in wishes))
        assert (list(first), list(second)) == (wishes[0], wishes[1][1:])
        assert agents.given == [wish(ANNA, ONE), wish(BEN, TWO)]
        assert agents.slot(ANNA) == Slot(ANNA, call=ONE, reserved_until=at(30))

    play(scene)


@pytest.mark.parametrize(
    ("slot", "expected", "given"),
    [
        (Slot(ANNA), TWO, True),
        (Slot(ANNA, call=TWO, talking_since=at(0)), TWO, True),
        (Slot(ANNA, call=TWO, reserved_until=at(20)), None, False),
        (Slot(ANNA, call=TWO, reserved_until=at(0)), None, True),
        (Slot(ANNA, call=TWO, reserved_until=at(0), talking_since=at(0)), None, False),
        (Slot(ANNA, call=TWO), None, False),
    ],
)
def test_what_a_slot_may_hold(slot: Slot, expected: UUID | None, *, given: bool) -> None:
    async def scene(agents: FakeAgents) -> None:
        agents.slots_by_agent[ANNA] = slot
        assert len(await agents.reserve([wish(ANNA, ONE, expected)])) == given

    play(scene)


@pytest.mark.parametrize(
    ("queue", "wanted", "given"),
    [
        (None, Wanted.BREAK, []),
        (SALES, Wanted.OFFLINE, [SUPPORT]),
        (SUPPORT, Wanted.BREAK, [SALES]),
        (None, Wanted.AVAILABLE, [SALES]),
    ],
)
def test_who_wants_calls(queue: UUID | None, wanted: Wanted, given: list[UUID]) -> None:
    async def scene(agents: FakeAgents) -> None:
        await agents.say(ANNA, queue, wanted, "")
        made = await agents.reserve([wish(ANNA, queue=SALES), wish(ANNA, queue=SUPPORT)])
        assert [one.queue for one in made] == given

    play(scene)


def test_what_the_book_knows_counts() -> None:
    async def scene(agents: FakeAgents) -> None:
        known = Presence(ONE, ANNA, None, Wanted.OFFLINE, "", at(0))
        agents.books[0].agent_states.keep(known.id, known)
        assert not await agents.reserve([wish(ANNA)])
        await agents.say(ANNA, None, Wanted.AVAILABLE, "")
        assert await agents.reserve([wish(ANNA)])
        assert [one.id for one in agents.presences.values()] == [known.id]

    play(scene)


def test_the_book_hears_a_moment_later() -> None:
    async def scene(agents: FakeAgents) -> None:
        heard: list[Any] = []
        agents.watchers.append(heard.append)
        states = agents.books[0].agent_states
        await agents.say(ANNA, SALES, Wanted.BREAK, "lunch")
        assert states.of(ANNA, SALES) is None
        await asyncio.sleep(0.006)
        known = states.of(ANNA, SALES)
        assert known
        assert (known.wanted, known.reason, known.since) == (Wanted.BREAK, "lunch", at(0.001))
        assert heard == [{"agent_states": {known.id}}]
        await agents.say(ANNA, SALES, Wanted.BREAK, "lunch")
        await agents.say(ANNA, SALES, Wanted.AVAILABLE, "")
        await asyncio.sleep(1)
        assert states.of(ANNA, SALES) == replace(
            known, wanted=Wanted.AVAILABLE, reason="", since=at(0.009)
        )
        assert len(heard) == 2

    play(scene)


def test_nothing_is_known_or_written_while_postgres_is_away() -> None:
    async def scene(agents: FakeAgents) -> None:
        await agents.reserve([wish(ANNA)])
        agents.away = True
        for question in (
            agents.slots(),
            agents.reserve([wish(BEN)]),
            agents.say(ANNA, None, Wanted.BREAK, ""),
            agents.waits(SALES),
            agents.earlier(SALES, "030", 60),
        ):
            with pytest.raises(ConnectionError):
                await question
        agents.apply(change("released"))
        await asyncio.sleep(1)
        assert agents.slot(ANNA).call == ONE
        agents.away = False
        assert agents.slot(ANNA).call is None
        assert not agents.presences
        assert agents.given == [wish(ANNA)]

    play(scene)


def test_an_answer_is_lost() -> None:
    async def scene(agents: FakeAgents) -> None:
        agents.loses = {1}
        await agents.reserve([wish(BEN)])
        with pytest.raises(ConnectionError):
            await agents.reserve([wish(ANNA)])
        assert agents.slot(ANNA).call == ONE

    play(scene)


def test_a_record_is_written_a_moment_later() -> None:
    async def scene(agents: FakeAgents) -> None:
        await agents.reserve([wish(ANNA)])
        agents.apply({"call": str(ONE), "event": []})
        agents.apply(change("released"))
        assert agents.slot(ANNA).call == ONE
        await asyncio.sleep(0.03)
        assert agents.slot(ANNA).call is None

    play(scene)


def test_records_are_written_in_their_order() -> None:
    async def scene(agents: FakeAgents) -> None:
        await agents.reserve([wish(ANNA)])
        agents.apply(change("connected"))
        await asyncio.sleep(0.01)
        agents.apply(ENDED)
        await asyncio.sleep(0.03)
        slot = agents.slot(ANNA)
        assert (slot.call, slot.talking_since, slot.wrap_up_until) == (None, None, at(12))

    play(scene)


def test_too_many_misses_are_a_break() -> None:
    async def scene(agents: FakeAgents) -> None:
        record = change("missed", rests_until=at(9).isoformat(), misses=0, **{"break": "missed"})
        agents.apply(record)
        await asyncio.sleep(0.03)
        known = agents.books[0].agent_states.of(ANNA, None)
        assert known
        assert (known.wanted, known.reason) == (Wanted.BREAK, "missed")

    play(scene)


def visit(agents: FakeAgents, name: str, entered: float, queue: UUID = SALES, **more: Any) -> None:
    times = {key: at(value).isoformat() for key, value in more.items() if key.endswith("_at")}
    joined = {"joined_at": at(entered).isoformat(), "entered_at": at(entered).isoformat()}
    plain = {"id": name, "queue_id": str(queue), "caller_number": "030", "position": 1}
    agents.apply({"call": str(ONE), "visit": {**plain, **joined, **more, **times}})


def test_how_long_calls_have_waited() -> None:
    async def scene(agents: FakeAgents) -> None:
        await asyncio.sleep(100)
        for n in range(25):
            visit(agents, str(n), 50, position=n + 1, answered_at=50.0 + n)
        visit(agents, "callback", 90, answered_at=91.0, is_callback=True)
        visit(agents, "elsewhere", 90, SUPPORT, answered_at=91.0)
        visit(agents, "waiting", 90)
        await asyncio.sleep(0.03)
        assert await agents.waits(SALES) == [Wait(n + 1, n) for n in range(5, 25)]
        await asyncio.sleep(8 * 3600)
        assert await agents.waits(SALES) == []

    play(scene)


def test_since_when_a_caller_has_waited() -> None:
    async def scene(agents: FakeAgents) -> None:
        visit(agents, "a", 0, joined_at=-5.0)
        await asyncio.sleep(1)
        assert await agents.earlier(SALES, "030", 60) is None
        gone = {"id": "a", "left_how": "abandoned", "left_at": at(1).isoformat()}
        agents.apply({"call": str(ONE), "visit": gone})
        await asyncio.sleep(1)
        assert await agents.earlier(SALES, "030", 60) == at(-5)
        assert await agents.earlier(SALES, "031", 60) is None
        assert await agents.earlier(SUPPORT, "030", 60) is None
        assert await agents.earlier(SALES, "030", 0.5) is None
        visit(agents, "b", 2)
        await asyncio.sleep(0.03)
        assert await agents.earlier(SALES, "030", 60) is None

    play(scene)


def test_a_callback_is_called_off() -> None:
    async def scene(agents: FakeAgents) -> None:
        agents.callbacks[SALES, "030"] = at(-60)
        assert await agents.earlier(SALES, "", 0) is None
        assert await agents.earlier(SALES, "030", 0) == at(-60)
        assert not agents.callbacks
        assert await agents.earlier(SALES, "030", 0) is None

    play(scene)
