"""Calls that carriers deliver."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from stasis_app.call import causes
from stasis_app.rules.models import Named, Target
from stasis_app.rules.times import Override
from stasis_app.words import (
    ForwardedCallerId,
    HangupCause,
    TargetType,
    TrunkType,
)
from tests.support.fake_phones import Phone

from .rows import (
    endpoint_of,
    identity,
    inbound_rule,
    outbound_rule,
    profile,
    to_extension,
    to_outside,
    trunk,
    user,
)
from .stage import ANSWERS, BUSY, CALLER, DID, RINGS, delivers, story, with_trunks
from .world import World, endpoint, over

MOBILE = "01711234567"


def rule_to(target: Target, **columns: Any) -> Any:
    return inbound_rule("in", DID, target, **columns)


def answer_to(world: World) -> int | None:
    return world.asterisk.callers[-1].hung_up_with


def is_refused(world: World, cause: HangupCause, reason: str) -> None:
    assert not world.legs()
    assert world.cause() == cause
    assert world.details("refused")[0]["reason"] == reason
    assert answer_to(world) == causes.ANSWER_TO_CALLER[cause]


def test_call_reaches_an_extension() -> None:
    world = story(delivers, phones={endpoint("1002"): ANSWERS})
    assert world.events() == ["arrived", "routed", "offered", "rang", "answered", "ended"]
    assert world.details("routed") == [{"rule": "in", "to": "1002"}]
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("inbound", str(identity("A")))
    assert (row["caller_number"], row["callee_number"]) == (CALLER, DID)
    assert row["caller_extension_id"] is None
    assert row["callee_extension_id"] == str(identity("1002"))
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("did", [DID, "49301234500", "0301234500", "004930 1234500"])
def test_did_in_any_form(did: str) -> None:
    assert story(partial(delivers, did=did)).dialled() == [endpoint("1002")]


@pytest.mark.parametrize("caller", ["anonymous", "Anonymous", ""])
def test_caller_who_withholds_the_number(caller: str) -> None:
    world = story(partial(delivers, caller=caller), phones={endpoint("1002"): ANSWERS})
    assert world.row()["caller_number"] == "anonymous"
    assert world.dialled() == [endpoint("1002")]


def test_number_that_is_told_to_us_only() -> None:
    """Nobody is to see it: no row, no rule and no carrier behind a forward."""

    async def act(world: World) -> None:
        with_trunks(world, forwarded_caller_id=ForwardedCallerId.ORIGINAL)
        world.keep(inbound_rules=rule_to(to_outside(MOBILE)))
        world.keep(outbound_rules=outbound_rule("all", "^0", "B"))
        world.asterisk.deliver(endpoint_of("A"), DID, CALLER, presentation="prohib_not_screened")
        world.asterisk.at(20.0, lambda: world.asterisk.end(world.asterisk.callers[0]))

    world = story(act, phones={over("B", MOBILE): ANSWERS})
    [leg] = world.legs()
    assert leg.variables["CONNECTEDLINE(pres,i)"] == "prohib"
    assert CALLER not in leg.variables.values()
    assert CALLER not in json.dumps(world.records)


def test_busy_extension_is_told_to_the_carrier() -> None:
    world = story(delivers, phones={endpoint("1002"): BUSY})
    assert world.cause() == HangupCause.BUSY
    assert answer_to(world) == 17


def test_carrier_cancels() -> None:
    world = story(partial(delivers, hangs_up=3.0), phones={endpoint("1002"): RINGS})
    assert world.cause() == HangupCause.CANCEL


# the number in the request may be the name of our account


@pytest.mark.parametrize("asked_for", ["account", "s"])
def test_number_is_in_to_when_the_request_has_our_account(asked_for: str) -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"type": TrunkType.REGISTER, "username": "account"})
        await delivers(world, did=asked_for, to_user=DID)

    world = story(act, phones={endpoint("1002"): ANSWERS})
    assert world.dialled() == [endpoint("1002")]
    assert world.row()["callee_number"] == DID


def test_number_of_the_request_counts_when_it_is_one() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"type": TrunkType.REGISTER, "username": "account"})
        await delivers(world, to_user="+49309999999")

    assert story(act).dialled() == [endpoint("1002")]


def test_account_by_name_without_a_number_anywhere() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"type": TrunkType.REGISTER, "username": "account"})
        world.keep(inbound_rules=inbound_rule("name", "account", to_extension("1003")))
        await delivers(world, did="account", to_user="account")

    assert story(act).dialled() == [endpoint("1003")]


# closed


def test_closed_rule_has_a_fallback() -> None:
    async def act(world: World) -> None:
        world.keep(time_profiles=profile("day", "1"))
        columns = {"time_profile": identity("day"), "fallback": to_extension("1003")}
        world.keep(inbound_rules=rule_to(to_extension("1002"), **columns))
        await delivers(world)

    assert story(act).dialled() == [endpoint("1003")]


def test_closed_rule_without_a_fallback_leaves_the_call_to_the_next() -> None:
    async def act(world: World) -> None:
        world.keep(time_profiles=profile("day", "1"))
        closed = rule_to(to_extension("1002"), time_profile=identity("day"), priority=1)
        world.keep(inbound_rules=closed)
        world.keep(inbound_rules=inbound_rule("next", DID, to_extension("1003")))
        await delivers(world)

    assert story(act).dialled() == [endpoint("1003")]


@pytest.mark.parametrize(
    ("override", "white_list", "rung"),
    [
        (Override.AUTOMATIC, [], ["1003"]),
        (Override.OPEN, [], ["1002"]),
        (Override.AUTOMATIC, [CALLER], ["1002"]),
    ],
)
def test_user_is_not_there(
    override: Override, white_list: Sequence[str], rung: Sequence[str]
) -> None:
    """The profile of the user counts for the extension, the white list for the caller."""

    async def act(world: World) -> None:
        world.keep(time_profiles=profile("day", "1", override))
        world.keep(users=user("ben", time_profile=identity("day")))
        world.extension("1002", user=identity("ben"), forward_on_no_answer="1003")
        world.set(inbound__white_list=white_list)
        await delivers(world)

    phones = {endpoint(number): ANSWERS for number in ("1002", "1003")}
    assert story(act, phones=phones).dialled() == [endpoint(number) for number in rung]


def test_number_without_a_rule() -> None:
    world = story(partial(delivers, did="+49309999999"))
    is_refused(world, HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")


def test_catch_all() -> None:
    async def act(world: World) -> None:
        world.set(inbound__catch_all={"type": "extension", "number": "1003"})
        await delivers(world, did="+49309999999")

    assert story(act).dialled() == [endpoint("1003")]


# where it goes


def test_rule_sends_the_call_out_again() -> None:
    """It holds both trunks, and its row tells of the one it came in over."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.keep(inbound_rules=rule_to(to_outside(MOBILE)))
        await delivers(world, trunk="B")
        await asyncio.sleep(5)
        engaged = world.exchange.engaged
        assert [engaged[identity(name)] for name in "AB"] == [1, 1]

    world = story(act, phones={over("A", MOBILE): ANSWERS})
    assert world.dialled() == [over("A", MOBILE)]
    assert world.asterisk.together
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("inbound", str(identity("B")))
    assert world.details("dialled_out") == [{"trunk": "A", "number": MOBILE}]
    happened = "arrived routed routed dialled_out rang answered ended"
    assert world.events() == happened.split()


def test_call_goes_out_again_over_the_trunk_it_came_in_over() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 2})
        world.keep(inbound_rules=rule_to(to_outside(MOBILE)))
        await delivers(world)
        await asyncio.sleep(5)
        assert world.exchange.engaged[identity("A")] == 2
        await delivers(world)

    world = story(act, phones={over("A", MOBILE): ANSWERS})
    assert world.dialled() == [over("A", MOBILE)]
    assert world.details("refused")[-1]["reason"] == "trunk_limit"


def test_next_trunk_takes_the_call_that_finds_its_own_full() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 1})
        world.keep(inbound_rules=rule_to(to_outside(MOBILE)))
        await delivers(world)

    assert story(act).dialled() == [over("B", MOBILE)]


def test_destination_without_a_story_yet() -> None:
    """It is said before the answer, which costs the caller nothing, and then told as it is."""

    async def act(world: World) -> None:
        world.keep(conferences=Named(identity("sales"), "sales", None, active=True))
        world.keep(inbound_rules=rule_to(Target(TargetType.CONFERENCE, identity("sales"))))
        await delivers(world)

    world = story(act)
    assert world.events() == ["arrived", "routed", "refused", "announced", "ended"]
    assert world.cause() == HangupCause.NOT_IMPLEMENTED
    [caller] = world.asterisk.callers
    assert not caller.was_up
    assert caller.hung_up_with == causes.ANSWER_TO_CALLER[HangupCause.NOT_IMPLEMENTED]
    [(_, heard_by, sound)] = world.asterisk.played
    assert (heard_by, sound) == (caller.id, "sound:en/feature-not-avail-line")


@pytest.mark.parametrize("target", [to_extension("1999"), Target(TargetType.QUEUE, identity("x"))])
def test_rule_to_a_row_that_is_gone(target: Target) -> None:
    async def act(world: World) -> None:
        world.keep(inbound_rules=rule_to(target))
        await delivers(world)

    is_refused(story(act), HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")


def test_trunk_that_goes_while_somebody_talks_over_it() -> None:
    async def act(world: World) -> None:
        await delivers(world)
        await asyncio.sleep(5)
        world.book.trunks.forget([identity("A")])

    world = story(act, phones={endpoint("1002"): ANSWERS})
    assert world.second_of("ended") == pytest.approx(30, abs=0.1)


def test_extension_behind_a_call_from_outside_answers_at_once() -> None:
    phone = Phone(rings=None, answers=0.0)
    world = story(delivers, phones={endpoint("1002"): phone}, delays=(0.0, 0.002))
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_trunk_is_the_one_of_the_row() -> None:
    """Two trunks may deliver the same number; the row has the one that did."""
    assert story(partial(delivers, trunk="B")).row()["trunk_id"] == str(identity("B"))
    assert trunk("B").endpoint == endpoint_of("B")
