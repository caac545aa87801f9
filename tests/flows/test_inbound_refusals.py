"""Calls that carriers deliver, and that are not let in."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from stasis_app.call import causes
from stasis_app.rules.did import DidRange
from stasis_app.rules.models import Named, Target
from stasis_app.words import (
    BlacklistType,
    HangupCause,
    TargetType,
    TrunkStatus,
)

from .rows import (
    blacklisted,
    identity,
    inbound_rule,
    profile,
    to_extension,
)
from .stage import ANSWERS, CALLER, DID, carriers, delivers, story, with_trunks
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


@pytest.mark.parametrize("value", [CALLER, "040111222", "004940*", "+4940*"])
def test_blacklisted_caller(value: str) -> None:
    async def act(world: World) -> None:
        world.keep(blacklist=blacklisted(BlacklistType.PHONE_NUMBER, value))
        await delivers(world)

    is_refused(story(act), HangupCause.REJECTED, "blacklist")


def test_blacklisted_anonymous_callers() -> None:
    async def act(world: World) -> None:
        world.keep(blacklist=blacklisted(BlacklistType.PHONE_NUMBER, "anonymous"))
        await delivers(world, caller="")

    is_refused(story(act), HangupCause.REJECTED, "blacklist")


@pytest.mark.parametrize("columns", [{"status": TrunkStatus.INACTIVE}, {"deleted": True}])
def test_trunk_that_is_not_to_be_used(columns: dict[str, Any]) -> None:
    async def act(world: World) -> None:
        with_trunks(world, columns)
        await delivers(world)

    is_refused(story(act), HangupCause.FORBIDDEN, "trunk_inactive")


def test_trunk_that_has_no_row() -> None:
    is_refused(story(partial(delivers, trunk="Z")), HangupCause.FORBIDDEN, "trunk_inactive")


def test_trunk_in_test_delivers() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"status": TrunkStatus.TESTING})
        await delivers(world)

    assert story(act).dialled() == [endpoint("1002")]


def test_number_of_another_trunk() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"did_ranges": (DidRange("+49301234600", "+49301234699"),)})
        await delivers(world)

    is_refused(story(act), HangupCause.UNALLOCATED_NUMBER, "not_in_did_ranges")


def test_rule_of_another_trunk() -> None:
    async def act(world: World) -> None:
        world.keep(inbound_rules=rule_to(to_extension("1002"), trunk=identity("B")))
        await delivers(world)

    is_refused(story(act), HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")


def test_trunk_is_full() -> None:
    """Calls in and out count, and one that ends makes room."""

    async def act(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 2})
        out = world.asterisk.call("1001", "0301234567")
        world.asterisk.at(10.0, partial(world.asterisk.end, out))
        for second in (1, 1, 8):
            await asyncio.sleep(second)
            await delivers(world)
        await asyncio.sleep(1)
        assert world.exchange.engaged[identity("A")] == 2

    phones = {endpoint("1002"): ANSWERS, **carriers(ANSWERS)}
    world = story(act, phones=phones)
    assert world.dialled() == [over("A", "0301234567"), *[endpoint("1002")] * 2]
    assert [detail["reason"] for detail in world.details("refused")] == ["trunk_limit"]
    assert [one.hung_up_with for one in world.asterisk.callers].count(34) == 1


def test_callers_who_hear_an_announcement_are_no_overload() -> None:
    async def act(world: World) -> None:
        world.set(calls__max_setting_up=1)
        world.keep(conferences=Named(identity("sales"), "sales", None, active=True))
        world.keep(inbound_rules=rule_to(Target(TargetType.CONFERENCE, identity("sales"))))
        for _ in range(3):
            await delivers(world)
            await asyncio.sleep(0.1)

    assert story(act).ends() == ["not_implemented"] * 3


@pytest.mark.parametrize("value", [CALLER, "004940*", "anonymous"])
def test_blacklisted_caller_who_withholds_the_number(value: str) -> None:
    """It is told to us only, and nobody is to see it."""

    async def act(world: World) -> None:
        world.keep(blacklist=blacklisted(BlacklistType.PHONE_NUMBER, value))
        await delivers(world, presentation="prohib_passed_screen")

    world = story(act)
    is_refused(world, HangupCause.REJECTED, "blacklist")
    assert CALLER not in json.dumps(world.records)


def test_number_that_is_withheld_is_on_no_white_list() -> None:
    async def act(world: World) -> None:
        world.keep(time_profiles=profile("day", "1"))
        world.set(inbound__white_list=[CALLER])
        world.keep(inbound_rules=rule_to(to_extension("1002"), time_profile=identity("day")))
        await delivers(world, presentation="prohib_passed_screen")

    is_refused(story(act), HangupCause.UNALLOCATED_NUMBER, "no_inbound_rule")


def test_overload_is_refused() -> None:
    async def act(world: World) -> None:
        world.set(calls__max_setting_up=0)
        await delivers(world)

    is_refused(story(act), HangupCause.CONGESTION, "overload")
