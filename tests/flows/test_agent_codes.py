"""Agents log in and out, take breaks and end their wrap-up at their own phones."""

from datetime import timedelta

import pytest

from stasis_app.call import causes
from stasis_app.rules.queues import Slot
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import HangupCause, Wanted
from tests.support.fake_phones import EPOCH
from tests.support.virtual_time import run

from .agent_stage import (
    AVAILABLE,
    BREAK,
    BREAK_OVER,
    LOGGED_IN,
    LOGGED_OUT,
    OFFLINE,
    ON_BREAK,
    Prepare,
    dialled,
    note,
    nothing,
    said,
    sounds,
    staffed,
    state,
    wants,
)
from .invariants import check
from .mailbox_stage import DE
from .rows import identity, user
from .world import World


@pytest.mark.parametrize("code", ["*45", "*45*1001"])
@pytest.mark.parametrize(
    ("prepare", "after", "sentence"),
    [
        (nothing, OFFLINE, LOGGED_OUT),
        (wants(AVAILABLE), OFFLINE, LOGGED_OUT),
        (wants(BREAK, reason="lunch"), OFFLINE, LOGGED_OUT),
        (wants(OFFLINE, reason="holidays"), AVAILABLE, LOGGED_IN),
    ],
)
def test_login_is_turned_over(
    code: str, prepare: Prepare, after: Wanted, sentence: Sentence
) -> None:
    world = dialled(code, prepare)
    assert state(world) == (after, "")
    assert state(world, "sales") is None
    said(world, sentence)
    assert world.events() == ["arrived", "agent_state", "answered", "announced", "ended"]
    assert world.details("agent_state") == [note(after)]
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("code", ["*45500", "*45*1001*500"])
@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [(AVAILABLE, OFFLINE, LOGGED_OUT), (OFFLINE, AVAILABLE, LOGGED_IN)],
)
def test_login_of_one_queue(code: str, before: Wanted, after: Wanted, sentence: Sentence) -> None:
    world = dialled(code, wants(before, "sales"))
    assert state(world, "sales") == (after, "")
    assert state(world) is None
    assert state(world, "help") is None
    said(world, sentence)
    assert world.details("agent_state") == [note(after, "sales")]


@pytest.mark.parametrize(
    ("code", "prepare", "after", "reason"),
    [
        ("*46", nothing, BREAK, ""),
        ("*461", nothing, BREAK, "lunch"),
        ("*46*1001*1", nothing, BREAK, "lunch"),
        ("*4677", nothing, BREAK, "77"),
        ("*46", wants(BREAK, reason="lunch"), AVAILABLE, ""),
        ("*46", wants(BREAK, reason="missed"), AVAILABLE, ""),
        ("*461", wants(BREAK, reason="lunch"), AVAILABLE, ""),
        ("*462", wants(BREAK, reason="lunch"), BREAK, "training"),
        ("*461", wants(OFFLINE), BREAK, "lunch"),
    ],
)
def test_break_is_turned_over(code: str, prepare: Prepare, after: Wanted, reason: str) -> None:
    world = dialled(code, prepare)
    assert state(world) == (after, reason)
    said(world, ON_BREAK if after is BREAK else BREAK_OVER)
    assert world.details("agent_state") == [note(after, reason=reason)]


@pytest.mark.parametrize("code", ["*47", "*47*1001"])
def test_wrap_up_and_rest_end(code: str) -> None:
    async def tell() -> World:
        world = staffed()
        until = EPOCH + timedelta(seconds=600)
        agent = identity("1001")
        world.agents.slots_by_agent[agent] = Slot(agent, wrap_up_until=until, rests_until=until)
        await world.exchange.floor.load()
        world.asterisk.call("1001", code)
        await world.over()
        check(world)
        return world

    world = run(tell())
    slot = world.exchange.floor.slots.of(identity("1001"))
    assert slot.wrap_up_until is slot.rests_until is None
    assert world.agents.slot(identity("1001")).wrap_up_until is None
    assert state(world) is None
    said(world, Sentence.WRAP_UP_OVER)
    assert world.details("code_used") == [{"agent": "1001", "act": "end_wrap_up"}]


@pytest.mark.parametrize("code", ["*45", "*45500", "*46", "*461", "*47", "*45*1002"])
def test_codes_are_for_agents(code: str) -> None:
    """Who is none hears so before the answer."""
    world = dialled(code, phone="1002")
    assert not world.agents.presences
    assert world.events() == ["arrived", "refused", "announced", "ended"]
    assert world.reasons() == ["no_agent"]
    refusal = causes.ANSWER_TO_CALLER[HangupCause.FORBIDDEN]
    assert world.asterisk.callers[0].hung_up_with == refusal
    said(world, Sentence.CANNOT_COMPLETE)


@pytest.mark.parametrize("code", ["*45999", "*45502", "*45503", "*45*1001*503"])
def test_queue_that_is_none_of_his(code: str) -> None:
    """There is none, it is switched off, or the agent is none of its members."""
    world = dialled(code)
    assert not world.agents.presences
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER
    assert world.reasons() == ["no_such_queue"]
    said(world)


def test_language_of_the_agent() -> None:
    def prepare(world: World) -> None:
        world.keep(users=user("anna", language="de"))
        world.extension("1001", user=identity("anna"))

    assert sounds(dialled("*45", prepare)) == list(say(LOGGED_OUT, DE))


@pytest.mark.parametrize("code", ["*45", "*46"])
def test_postgres_is_away(code: str) -> None:
    """The agent hears that it did not work."""

    def prepare(world: World) -> None:
        world.postgres_away = True

    world = dialled(code, prepare)
    assert state(world) is None
    assert world.events() == ["arrived", "refused", "announced", "ended"]
    assert world.reasons() == ["postgres_away"]
    assert world.cause() == HangupCause.FAILURE


def test_the_end_of_a_wrap_up_does_not_wait_for_postgres() -> None:
    def prepare(world: World) -> None:
        world.postgres_away = True

    said(dialled("*47", prepare), Sentence.WRAP_UP_OVER)
