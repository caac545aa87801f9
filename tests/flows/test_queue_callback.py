"""Callers of a queue are called back, in their turn."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from stasis_app.rules.sentences import Sentence
from stasis_app.words import CallbackState, QueueStatus, Wanted
from tests.support.fake_phones import DEAD, Phone

from .callback_stage import AGENT, CUSTOMER, OFFER, Stage, at, told
from .rows import identity, member
from .stage import ANSWERS, BUSY, CALLER, RINGS
from .world import endpoint, over

WAITING, CALLING = CallbackState.WAITING, CallbackState.CALLING
DONE, FAILED = CallbackState.DONE, CallbackState.FAILED
BREAK, AVAILABLE = Wanted.BREAK, Wanted.AVAILABLE


def test_called_back_and_served() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        assert stage.states == [WAITING]
        await asyncio.sleep(20)
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.talks(customer.phone)

    stage = told(scene)
    assert stage.rows[0].states == [WAITING, CALLING, DONE]
    first, second = sorted(stage.visits, key=lambda one: one["entered_at"])
    assert (first["left_how"], second["left_how"]) == ("callback", "answered")
    assert (first["is_callback"], second["is_callback"]) == (False, True)
    assert second["joined_at"] == first["joined_at"], "the place is kept"
    assert second["caller_number"] == first["caller_number"] == CALLER
    assert at(second["entered_at"]) > at(first["left_at"])
    [begun] = [r["begin"] for r in stage.world.records if "begin" in r][1:]
    assert (begun["direction"], begun["callee_number"]) == ("outbound", CALLER)
    assert (begun["caller_number"], begun["caller_name"]) == ("500", "sales")
    assert stage.world.ends() == ["normal_clearing", "normal_clearing"]


def test_the_agent_is_reserved_first_and_rings_last() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await asyncio.sleep(20)
        assert not stage.world.legs(), "nobody is called before an agent is there"
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        slot = stage.world.agents.slot(AGENT)
        row = stage.rows[0]
        assert slot.call == row.last_call is not None
        assert slot.reserved_until is not None
        left = slot.reserved_until - row.wanted.next_try_at
        assert left.total_seconds() > 60, "the reservation lasts until he has accepted"
        await customer.hears(Sentence.CALLED_BACK)
        assert not stage.offers()
        await customer.presses("1")
        await stage.world.until(stage.offers, within=5)

    told(scene)


def test_the_place_is_kept() -> None:
    """Others who came later are told of him who is away, and wait until he has talked."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        later = await stage.comes(caller="+4940111333", hangs_up=200)
        await later.waits(10)
        assert stage.world.details("ENTERQUEUE")[-1]["position"] == 2
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.world.until(lambda: len(stage.offers()) == 1)
        await stage.talks(customer.phone)
        await stage.world.until(lambda: len(stage.offers()) == 2)
        await stage.talks(later.phone)

    told(scene)


def test_who_is_away_takes_no_room() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await stage.comes(caller="+4940111333", hangs_up=10)
        assert stage.world.exchange.floor.waiting(identity("sales")) == 1
        await stage.comes(caller="+4940111444", hangs_up=20)
        stage.world.callbacks.supersede(identity("sales"), CALLER)

    assert "FULL" in told(scene, max_size=1).world.events()


@pytest.mark.parametrize("picks_up", [Phone(rings=0.1, answers=2.0), RINGS, BUSY])
def test_tries_are_limited(picks_up: Phone) -> None:
    """A mailbox picks up, nobody does, or it is busy: the agent misses nothing by it."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        for attempt in range(3):
            await stage.dialled(which=attempt)
        await stage.world.until(lambda: stage.states == [FAILED], within=200)

    stage = told(scene, {over("A", CUSTOMER): picks_up})
    assert stage.rows[0].states == [WAITING, *[CALLING, WAITING] * 2, CALLING, FAILED]
    legs = [leg for leg in stage.world.legs() if leg.endpoint == over("A", CUSTOMER)]
    assert len(legs) == 3
    for earlier, later in pairwise(legs):
        assert later.made_at - (earlier.ended_at or 0) == pytest.approx(60, abs=1)
    assert stage.offers() == []
    assert stage.world.agents.slot(AGENT).misses == 0
    assert "RINGNOANSWER" not in stage.world.events()
    assert not stage.called_back, "who has not accepted has not come"
    if picks_up is RINGS:
        assert (legs[0].ended_at or 0) - legs[0].made_at == pytest.approx(45, abs=0.5)


def test_meanwhile_others_are_served() -> None:
    """Between two tries the agent takes the next caller."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        later = await stage.comes(caller="+4940111333", hangs_up=200)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await stage.talks(later.phone)
        assert stage.states == [WAITING]
        await stage.world.until(lambda: stage.states == [FAILED], within=300)

    told(scene, {over("A", CUSTOMER): BUSY})


@pytest.mark.parametrize("keys", ["2", "*", ""])
def test_not_confirmed(keys: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes(hangs_up=100)
        await caller.presses("1")
        await caller.hears(OFFER)
        if keys:
            await caller.presses(keys)
        await caller.waits(12)
        assert stage.world.asterisk.hears_music(caller.phone)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await stage.talks(caller.phone)

    stage = told(scene)
    assert stage.rows == []
    assert [visit["left_how"] for visit in stage.visits] == ["answered"]


def test_an_answer_cuts_the_dialogue_off() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes(hangs_up=100)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await caller.presses("1", wait=0.0)
        await stage.talks(caller.phone)

    assert told(scene).rows == []


def test_confirmed_while_it_rings() -> None:
    """The agent's phone is silent again at once; he is rung when the caller has come."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes(hangs_up=100)
        await caller.presses("1")
        await caller.hears(OFFER)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await caller.presses("1")
        await caller.hears(Sentence.CALLBACK_TAKEN_DOWN)
        assert not stage.offers()[0].alive
        await stage.accepts()
        await stage.world.until(lambda: len(stage.offers()) > 1)

    stage = told(scene, {endpoint("1002"): Phone(rings=0.1, answers=9.0, hangs_up=5.0)})
    assert stage.states == [DONE]


def test_one_for_each_number() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        callers = [await stage.comes(), await stage.comes()]
        for caller in callers:
            await caller.presses("1")
            await caller.hears(OFFER)
            await caller.presses("1")
            await caller.hears(Sentence.CALLBACK_TAKEN_DOWN)
        await asyncio.sleep(5)
        stage.agent(AVAILABLE)
        await stage.accepts()
        await stage.world.until(lambda: DONE in stage.states)

    stage = told(scene)
    assert stage.states == [DONE]
    first, second, _ = sorted(stage.visits, key=lambda one: one["entered_at"])
    assert (first["left_how"], second["left_how"]) == ("callback", "callback")
    assert stage.rows[0].wanted.joined_at == at(first["joined_at"])


def test_superseded_by_who_calls_again() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await stage.comes(caller="+4940111333", hangs_up=100)
        again = await stage.comes(hangs_up=100)
        assert stage.states == [CallbackState.SUPERSEDED]
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await stage.talks(again.phone)

    stage = told(scene)
    first, *_, last = sorted(stage.visits, key=lambda one: one["entered_at"])
    assert last["joined_at"] == first["joined_at"]


def test_both_call_each_other() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        await stage.dialled()
        again = await stage.comes(hangs_up=100)
        await stage.talks(again.phone)

    stage = told(scene, {over("A", CUSTOMER): Phone(rings=None, rejects=(5.0, 17, 486))})
    assert stage.rows[0].states == [WAITING, CALLING, CallbackState.SUPERSEDED]


@pytest.mark.parametrize(
    "call",
    [
        {"caller": "+442079460018"},
        {"caller": "+4990012345678"},
        {"caller": "+499001234567"},
        {"caller": "112"},
        {"caller": "1002"},
        {"caller": "anonymous"},
        {"caller": CALLER, "presentation": "prohib_not_screened"},
        {"caller": "+4940111222*1"},
    ],
)
def test_not_offered(call: dict[str, Any]) -> None:
    """The key does nothing."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes(hangs_up=30, **call)
        await caller.presses("11")
        await caller.waits(5)
        assert stage.world.asterisk.hears_music(caller.phone)
        assert caller.played == []

    assert told(scene).rows == []


def test_abroad_if_it_is_allowed() -> None:
    london = "00442079460018"

    async def scene(stage: Stage) -> None:
        stage.world.set(queues__callback_abroad=True)
        stage.agent(BREAK)
        caller = await stage.comes(caller="+442079460018")
        await caller.presses("1", wait=5)
        await caller.presses("1", wait=5)
        stage.agent(AVAILABLE)
        await stage.dialled(london)
        await stage.world.until(lambda: stage.states == [FAILED], within=400)

    told(scene, {over("A", london): BUSY})


def test_no_way_out_any_more() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.world.book.outbound_rules.forget([identity("all")])
        stage.agent(AVAILABLE)
        await stage.world.until(lambda: stage.states == [FAILED], within=400)

    stage = told(scene, checked=False)
    assert stage.rows[0].problem == "unallocated_number"
    assert not stage.world.legs()


def test_over_the_next_trunk() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        await stage.accepts(trunk="B")
        await stage.world.until(stage.offers)

    dead = told(scene, {over("A", CUSTOMER): DEAD})
    full = told(scene, {over("A", CUSTOMER): Phone(rings=None, rejects=(0.05, 34, 503))})
    assert dead.states == full.states == [DONE]
    trunks = [
        r["change"]["trunk_id"] for r in full.world.records if "trunk_id" in r.get("change", {})
    ]
    assert trunks == [str(identity("A")), str(identity("B"))]


def test_an_extension_is_called_back() -> None:
    """All of its phones ring; whoever answers must accept it too."""

    async def scene(stage: Stage) -> None:
        stage.world.extension("1001", contacts=2)
        stage.agent(BREAK)
        phone = stage.world.asterisk.call("1001", "500")
        caller = stage.owner(phone)
        await caller.waits(1)
        await caller.presses("1", wait=5)
        await caller.presses("1", wait=5)
        stage.agent(AVAILABLE)
        await stage.world.until(lambda: len(stage.world.legs()) == 2)
        second = stage.world.legs()[1]
        customer = stage.owner(second)
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1")
        await stage.world.until(lambda: len(stage.world.legs()) == 3)
        assert stage.offers()[0].variables["CONNECTEDLINE(num,i)"] == "1001"
        await stage.talks(second)

    rings, answers = endpoint("1001", 0, 2), endpoint("1001", 1, 2)
    stage = told(scene, {rings: RINGS, answers: Phone(rings=0.1, answers=4.0)})
    assert stage.states == [DONE]
    [begun] = [r["begin"] for r in stage.world.records if "begin" in r][1:]
    assert (begun["direction"], begun["callee_number"]) == ("internal", "1001")


@pytest.mark.parametrize("reserved", [RINGS, BUSY])
def test_another_agent_rings_when_the_reserved_one_does_not_answer(reserved: Phone) -> None:
    async def scene(stage: Stage) -> None:
        stage.world.keep(queue_members=member("sales", "1003", priority=5))
        for agent in ("1002", "1003"):
            stage.agent(BREAK, agent)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.world.until(stage.offers)
        stage.agent(AVAILABLE, "1003")
        await stage.world.until(lambda: stage.offers("1003"))
        await stage.talks(customer.phone, "1003")

    stage = told(scene, {endpoint("1002"): reserved})
    assert stage.states == [DONE]
    assert "RINGNOANSWER" in stage.world.events()


def test_the_reserved_agent_leaves_while_it_rings() -> None:
    async def scene(stage: Stage) -> None:
        stage.world.keep(queue_members=member("sales", "1003"))
        stage.agent(BREAK, "1003")
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        stage.agent(BREAK)
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1", wait=3)
        assert not stage.offers()
        assert stage.world.asterisk.hears_music(customer.phone)
        stage.agent(AVAILABLE, "1003")
        await stage.talks(customer.phone, "1003")

    told(scene)


def test_nobody_else_is_called_by_two_processes() -> None:
    """Who has changed the row before us has the caller; our agent is free at once."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        row = stage.rows[0]
        stage.world.callbacks.changed = []
        assert await stage.world.callbacks.take(row.wanted, identity("a call elsewhere"))
        stage.agent(AVAILABLE)
        await asyncio.sleep(5)
        assert stage.world.agents.slot(AGENT).call is None
        assert not stage.world.legs()
        stage.world.callbacks.supersede(row.wanted.queue, row.wanted.number)

    told(scene)


def test_postgres_is_away_when_an_agent_comes() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.world.callbacks.away = True
        stage.agent(AVAILABLE)
        await asyncio.sleep(20)
        assert not stage.world.legs()
        stage.world.callbacks.away = False
        await stage.accepts()
        await stage.world.until(stage.offers)

    assert told(scene).states == [DONE]


def test_asterisk_is_away_when_an_agent_comes() -> None:
    """No attempt is wasted, and the agent is kept for nobody."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.connected.clear()
        stage.agent(AVAILABLE)
        await asyncio.sleep(20)
        assert not stage.world.legs()
        assert stage.world.agents.slot(AGENT).call is None
        stage.connected.set()
        await stage.accepts()
        await stage.world.until(stage.offers)

    assert told(scene).rows[0].wanted.attempts == 1


def test_an_error_throws_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        take = stage.world.callbacks.take

        async def fails(*_: object) -> bool:
            monkeypatch.setattr(stage.world.callbacks, "take", take)
            raise KeyError("a bug")

        await stage.asks()
        monkeypatch.setattr(stage.world.callbacks, "take", fails)
        stage.agent(AVAILABLE)
        await stage.accepts()
        await stage.world.until(stage.offers)

    assert told(scene).states == [DONE]


def test_an_error_when_the_call_begins_leaves_nobody_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The place is left, and the agent free for others; it is tried again some time later."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)

        def fails(*_: object) -> None:
            monkeypatch.undo()
            raise KeyError("a bug")

        await stage.asks()
        monkeypatch.setattr("stasis_app.callbacks.begin", fails)
        stage.agent(AVAILABLE)
        await stage.world.until(lambda: stage.states == [CALLING])
        await asyncio.sleep(1)
        assert stage.world.agents.slot(AGENT).call is None
        assert not stage.world.exchange.floor.places
        other = await stage.comes(caller="+4940111333", hangs_up=100)
        await stage.talks(other.phone)
        await stage.accepts()
        await stage.world.until(lambda: len(stage.offers()) > 1)

    stage = told(scene)
    assert stage.rows[0].states == [WAITING, CALLING, WAITING, CALLING, DONE]


def switch_off(stage: Stage) -> None:
    found = stage.world.book.queues.get(identity("sales"))
    assert found
    stage.world.keep(queues=replace(found, status=QueueStatus.INACTIVE))


def delete(stage: Stage) -> None:
    stage.world.book.queues.forget([identity("sales")])
    stage.world.exchange.floor.changed({"queues": {identity("sales")}})


@pytest.mark.parametrize("end", [switch_off, delete])
@pytest.mark.parametrize("away", [False, True], ids=["", "Postgres is away"])
def test_the_queue_is_no_more(end: Callable[[Stage], None], *, away: bool) -> None:
    """Nobody is called then, and the request is not left to wait for ever."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.world.callbacks.away = away
        end(stage)
        await asyncio.sleep(5)
        if away:
            assert stage.states == [WAITING]
            stage.world.callbacks.away = False
            await asyncio.sleep(5)
        assert stage.states == [FAILED]
        stage.agent(AVAILABLE)
        await asyncio.sleep(60)

    stage = told(scene)
    assert stage.rows[0].problem == "no_queue"
    assert stage.rows[0].states == [WAITING, CALLING, FAILED]
    assert not stage.world.legs()


@pytest.mark.parametrize("end", [switch_off, delete])
def test_the_queue_is_no_more_when_the_process_begins(end: Callable[[Stage], None]) -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await stage.end()
        end(stage)
        await stage.next_process()
        await stage.world.until(lambda: stage.states == [FAILED])

    assert told(scene).rows[0].problem == "no_queue"


def test_a_paused_queue_calls_back() -> None:
    """It lets nobody new in, but serves those who wait."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        found = stage.world.book.queues.get(identity("sales"))
        assert found
        stage.world.keep(queues=replace(found, status=QueueStatus.PAUSED))
        await asyncio.sleep(40)
        assert stage.states == [WAITING]
        stage.agent(AVAILABLE)
        await stage.accepts()
        await stage.world.until(stage.offers)

    assert told(scene).states == [DONE]


def test_the_request_can_not_be_written_down() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        stage.world.loses = lambda record: "callback" in record
        caller = await stage.comes(hangs_up=60)
        await caller.presses("1", wait=4)
        await caller.presses("1", wait=4)
        assert stage.world.asterisk.hears_music(caller.phone)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await stage.talks(caller.phone)

    assert told(scene).rows == []


def test_the_request_can_not_be_written_down_while_it_rings() -> None:
    """Whose phone has been silenced for it rings again."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        stage.world.loses = lambda record: "callback" in record
        caller = await stage.comes(hangs_up=60)
        await caller.presses("1")
        await caller.hears(OFFER)
        stage.agent(AVAILABLE)
        await stage.world.until(stage.offers)
        await caller.presses("1")
        await stage.talks(caller.phone)

    assert told(scene, {endpoint("1002"): Phone(rings=0.1, answers=9.0, hangs_up=5.0)}).rows == []


def test_who_has_confirmed_hangs_up_at_once() -> None:
    """He has not given up: he is called back."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes()
        await caller.presses("1")
        await caller.hears(OFFER)
        stage.world.asterisk.press(caller.phone, "1")
        written = stage.world.records
        await stage.world.until(lambda: any("callback" in one for one in written), every=0.0005)
        await caller.hangs_up()
        await asyncio.sleep(1)
        assert [visit["left_how"] for visit in stage.visits] == ["callback"]
        stage.agent(AVAILABLE)
        await stage.accepts()
        await stage.world.until(stage.offers)

    assert told(scene).states == [DONE]


def test_the_reserved_agent_has_begun_a_call_of_his_own() -> None:
    """His phone does not ring for the caller, who gets another."""

    async def scene(stage: Stage) -> None:
        stage.world.keep(queue_members=member("sales", "1003"))
        stage.agent(BREAK, "1003")
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        stage.world.extension("1009")
        own = stage.world.asterisk.call("1002", "1009")
        stage.world.asterisk.at(100.0, partial(stage.world.asterisk.end, own))
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1", wait=3)
        stage.agent(AVAILABLE, "1003")
        await stage.talks(customer.phone, "1003")
        assert not stage.offers()

    told(scene, {endpoint("1009"): ANSWERS})


@pytest.mark.parametrize("hangs_up", [2.0, 8.0])
def test_who_is_called_back_hangs_up(hangs_up: float) -> None:
    """Before the key was pressed: it is tried again. Afterwards: he has been called."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        if hangs_up > 5:
            await customer.hears(Sentence.CALLED_BACK)
            await customer.presses("1")
            await customer.hangs_up()
            return
        await stage.world.until(lambda: customer.phone.was_up)
        await customer.hangs_up()
        await asyncio.sleep(5)
        assert stage.states == [WAITING]
        stage.world.callbacks.supersede(identity("sales"), CALLER)

    stage = told(scene)
    if hangs_up > 5:
        assert stage.states == [DONE]
        assert [visit["left_how"] for visit in stage.called_back] == ["abandoned"]
    else:
        assert stage.rows[0].problem == "hung_up"
