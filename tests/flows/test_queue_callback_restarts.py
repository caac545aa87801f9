"""The process is killed at each step of calling somebody back."""

import asyncio
from functools import partial

import pytest

from stasis_app.rules.sentences import Sentence
from stasis_app.words import CallbackState, Wanted
from tests.support.fake_phones import Channel, Phone
from tests.support.virtual_time import run

from .callback_stage import AGENT, CUSTOMER, PICKS_UP, TALKS, Stage, served, staged, told
from .invariants import check
from .mailbox_stage import Owner
from .rows import identity
from .stage import RINGS
from .world import endpoint, over

WAITING, CALLING = CallbackState.WAITING, CallbackState.CALLING
DONE, FAILED = CallbackState.DONE, CallbackState.FAILED
BREAK, AVAILABLE = Wanted.BREAK, Wanted.AVAILABLE


def again(stage: Stage, customer: Owner) -> Owner:
    """Go on listening to who is on the line still."""
    owner = Owner(stage.world, customer.phone)
    owner.at = len(owner.played)
    return owner


def test_while_he_waits() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await stage.next_process()
        await asyncio.sleep(10)
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.talks(customer.phone)

    assert told(scene).states == [DONE]


def test_before_the_request_is_heard_out() -> None:
    """What he has confirmed counts; he hears no more than a goodbye."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        caller = await stage.comes()
        await caller.presses("1", wait=4)
        await caller.presses("1", wait=0.0)
        await stage.world.until(lambda: stage.states == [WAITING])
        await stage.next_process()
        caller = again(stage, caller)
        await caller.hears(Sentence.GOODBYE)
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.talks(customer.phone)

    assert told(scene).states == [DONE]


def test_while_his_phone_rings() -> None:
    """It is silent then, and rings again after a while; the agent is free meanwhile."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        await customer.waits(1)
        await stage.next_process()
        await asyncio.sleep(1)
        assert not customer.phone.alive
        assert (stage.states, stage.rows[0].wanted.attempts) == ([WAITING], 1)
        assert stage.world.agents.slot(AGENT).call is None
        await stage.accepts(which=1)
        await stage.world.until(stage.offers)

    assert told(scene).rows[0].states == [WAITING, CALLING, WAITING, CALLING, DONE]


def test_while_he_is_asked() -> None:
    """He is asked again, and the agent is his still."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        await customer.hears(Sentence.CALLED_BACK)
        await stage.next_process()
        assert stage.world.agents.slot(AGENT).call == stage.rows[0].last_call
        customer = again(stage, customer)
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1")
        await stage.talks(customer.phone)

    stage = told(scene)
    assert stage.rows[0].states == [WAITING, CALLING, DONE]
    assert len(stage.called_back) == 1


def test_while_he_is_asked_at_his_second_phone() -> None:
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
        customer = stage.owner(stage.world.legs()[1])
        await stage.world.until(lambda: customer.phone.was_up)
        await customer.waits(0.2)
        await stage.next_process()
        customer = again(stage, customer)
        await customer.hears(Sentence.CALLED_BACK)
        await customer.presses("1")
        await stage.talks(customer.phone)

    rings, answers = endpoint("1001", 0, 2), endpoint("1001", 1, 2)
    stage = told(scene, {rings: RINGS, answers: Phone(rings=0.1, answers=4.0)})
    assert stage.rows[0].states == [WAITING, CALLING, DONE]


def test_while_he_is_asked_and_does_not_accept() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        await customer.hears(Sentence.CALLED_BACK)
        await stage.next_process()
        await stage.world.until(lambda: stage.states == [WAITING], within=60)
        assert stage.rows[0].problem == "not_accepted"
        stage.world.callbacks.supersede(stage.rows[0].wanted.queue, stage.rows[0].wanted.number)

    told(scene)


def test_while_the_agent_rings() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.world.until(stage.offers)
        await asyncio.sleep(1)
        await stage.next_process()
        await stage.talks(customer.phone)
        held = stage.world.exchange.engaged[identity("A")]
        assert held == 1, "the trunk is engaged"

    stage = told(scene, {endpoint("1002"): Phone(rings=0.1, answers=6.0, hangs_up=5.0)})
    assert stage.rows[0].states == [WAITING, CALLING, DONE]
    [visit] = stage.called_back
    assert (visit["left_how"], visit["ended_by"]) == ("answered", "agent")


def test_while_they_talk() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.accepts()
        await stage.talks(customer.phone)
        await asyncio.sleep(1)
        await stage.next_process()
        await asyncio.sleep(2)
        assert customer.phone.alive
        assert stage.world.asterisk.is_bridged(customer.phone)

    stage = told(scene)
    [visit] = stage.called_back
    assert (visit["left_how"], visit["ended_by"]) == ("answered", "agent")
    assert visit["talk_seconds"] == pytest.approx(10, abs=0.5)


def test_he_hangs_up_while_nobody_watches() -> None:
    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        customer = await stage.dialled()
        await customer.hears(Sentence.CALLED_BACK)
        stage.world.kill()
        await stage.end()
        await customer.hangs_up()
        stage.world = stage.world.next_process()
        await stage.begin()
        await asyncio.sleep(1)
        assert (stage.states, stage.rows[0].problem) == ([WAITING], "restart")
        assert stage.world.agents.slot(AGENT).call is None
        await stage.accepts(which=1)
        await stage.world.until(stage.offers)

    assert told(scene).states == [DONE]


@pytest.mark.parametrize("seconds", [1.0, 6.0])
def test_asterisk_restarts(seconds: float) -> None:
    """While it rings, or while he is asked: he is called again later."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        stage.agent(AVAILABLE)
        await stage.dialled()
        await asyncio.sleep(seconds)
        asterisk = stage.world.asterisk
        stage.connected.clear()
        asterisk.restart(asterisk.now())
        await asyncio.sleep(2)
        asterisk.connect(asterisk.inboxes)
        await stage.world.switchboard.reconcile()
        stage.connected.set()
        await asyncio.sleep(3)
        assert stage.world.agents.slot(AGENT).call is None
        await stage.accepts(which=1)
        await stage.world.until(stage.offers)

    stage = told(scene)
    assert stage.states == [DONE]
    assert "system_restart" in stage.world.ends()


def test_between_the_row_and_the_call() -> None:
    """The row says that he is called, and no call was begun: after a while he waits again."""

    async def scene(stage: Stage) -> None:
        stage.agent(BREAK)
        await stage.asks()
        await stage.end()
        assert await stage.world.callbacks.take(stage.rows[0].wanted, identity("a lost call"))
        stage.agent(AVAILABLE)
        await stage.next_process()
        await asyncio.sleep(10)
        assert stage.states == [CALLING]
        await stage.accepts()
        await stage.world.until(stage.offers)

    stage = told(scene)
    assert stage.rows[0].states == [WAITING, CALLING, WAITING, CALLING, DONE]


@pytest.mark.parametrize("reserved", [TALKS, RINGS])
@pytest.mark.parametrize("sent", [True, False])
def test_at_any_request(reserved: Phone, *, sent: bool) -> None:
    """Wherever it is killed: he is called in the end, talks once, and nothing is left."""
    phones = {
        endpoint("1002"): reserved,
        endpoint("1003"): TALKS,
        over("A", CUSTOMER): PICKS_UP,
    }
    for request in range(60):
        if not run(killed_at(request, phones, sent=sent)):
            assert request > 10
            return
    raise AssertionError("it never comes to an end")


async def killed_at(request: int, phones: dict[str, Phone], *, sent: bool) -> bool:
    """Kill the process at a request after an agent came; False: there are not so many."""
    async with staged(served(phones)) as stage:
        stage.agent(BREAK)
        await stage.asks()
        asterisk = stage.world.asterisk
        killed = asyncio.Event()

        def kill() -> None:
            if not sent:
                asterisk.unsent.add(len(asterisk.requests) - 1)
            stage.world.kill()
            killed.set()

        asterisk.before[len(asterisk.requests) + request] = kill
        stage.agent(AVAILABLE)
        pressing = asyncio.create_task(press_when_asked(stage))
        both = asyncio.create_task(killed.wait())
        await asyncio.wait([both], timeout=250)
        both.cancel()
        if killed.is_set():
            await stage.next_process()
        await asyncio.sleep(300)
        pressing.cancel()
        await asyncio.wait([pressing])
        check(stage.world)
        assert not stage.world.exchange.floor.places
        held = {slot.call for slot in stage.world.agents.slots_by_agent.values()}
        assert held <= {None}, f"an agent is left reserved: {request}"
        assert stage.states == [DONE], (request, stage.rows)
        return killed.is_set()


async def press_when_asked(stage: Stage) -> None:
    """Let whoever is called back press the key five seconds after he has picked up."""
    pressed: set[str] = set()
    while True:
        for leg in customers(stage):
            if leg.was_up and leg.id not in pressed:
                pressed.add(leg.id)
                stage.world.asterisk.at(5, partial(stage.world.asterisk.press, leg, "1"))
                stage.world.asterisk.at(12, partial(stage.world.asterisk.press, leg, "1"))
                stage.world.asterisk.at(90, partial(stage.world.asterisk.end, leg))
        await asyncio.sleep(0.5)


def customers(stage: Stage) -> list[Channel]:
    return [leg for leg in stage.world.legs() if leg.endpoint == over("A", CUSTOMER)]
