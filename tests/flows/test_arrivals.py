"""How calls come in, how they go round, and which are turned away."""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from stasis_app.ari import events
from stasis_app.call import causes
from stasis_app.words import BlacklistType, ExtensionStatus, HangupCause
from tests.support.fake_phones import Channel, Phone

from .rows import blacklisted, identity
from .stage import ANSWERS, BUSY, RINGS, dials, story
from .world import World, endpoint


def begins(world: World) -> list[str]:
    return [record["begin"]["call_id"] for record in world.records if "begin" in record]


def calls(world: World, sip_call_id: str) -> Callable[[], None]:
    """What lets 1001 dial a number that nobody has."""

    def act() -> None:
        world.asterisk.call("1001", "1999", sip_call_id)

    return act


async def forwards_on_no_answer(world: World) -> None:
    world.extension("1002", forward_on_no_answer="1003", ring_seconds=7.0)
    await dials(world, hangs_up=60)


def test_nobody_answers_in_time_and_another_phone_does() -> None:
    phones = {endpoint("1002"): RINGS, endpoint("1003"): ANSWERS}
    world = story(forwards_on_no_answer, phones=phones)
    happened = "arrived offered rang forwarded offered rang answered ended"
    assert world.events() == happened.split()
    [forward] = world.details("forwarded")
    assert forward == {"number": "1002", "to": "1003", "reason": "no_answer"}
    assert 7 < world.second_of("forwarded") < 7.5
    first, second = world.legs()
    assert first.hung_up_with == causes.NORMAL_CLEARING
    assert not first.was_up
    assert second.was_up
    assert world.row()["callee_number"] == "1002"
    assert world.row()["callee_extension_id"] == str(identity("1003"))
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize(("limit", "forwards"), [(None, 10), (3, 3), (0, 0)])
def test_a_loop_of_forwards_ends(limit: int | None, forwards: int) -> None:
    """At most so many forwards; where the last one leads is not followed."""

    async def loops(world: World) -> None:
        if limit is not None:
            world.set(calls__max_hops=limit)
        world.extension("1002", forward_unconditional="1003")
        world.extension("1003", forward_unconditional="1002")
        await dials(world)

    world = story(loops)
    followed = len(world.details("forwarded")) - 1
    assert followed == forwards
    assert world.cause() == HangupCause.LOOP_DETECTED
    assert world.asterisk.callers[0].hung_up_with == 20


def test_a_chain_of_ten_forwards_is_no_loop() -> None:
    async def chain(world: World) -> None:
        numbers = [str(number) for number in range(2000, 2011)]
        for number, following in pairwise(numbers):
            world.extension(number, forward_unconditional=following)
        world.extension("2010")
        await dials(world, hangs_up=60, number="2000")

    world = story(chain, phones={endpoint("2010"): ANSWERS})
    assert len(world.details("forwarded")) == 10
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_a_loop_of_busy_phones_ends() -> None:
    async def loops(world: World) -> None:
        world.extension("1002", forward_on_busy="1003")
        world.extension("1003", forward_on_busy="1002")
        await dials(world)

    world = story(loops, phones={endpoint("1002"): BUSY, endpoint("1003"): BUSY})
    assert len(world.details("offered")) == 11
    assert world.cause() == HangupCause.LOOP_DETECTED


@pytest.mark.parametrize("args", [(), ("leg",), ("nonsense", "1001")])
def test_a_channel_nobody_waits_for_is_turned_away(args: tuple[str, ...]) -> None:
    async def appears(world: World) -> None:
        asterisk = world.asterisk
        stranger = Channel("stranger", "PJSIP/1001", "Ring", args or ("",), entered=True)
        asterisk.channels_made[stranger.id] = stranger
        asterisk.emit(events.StasisStart(asterisk.now(), stranger.id, stranger.described(), args))
        await asyncio.sleep(1)

    world = story(appears)
    assert world.asterisk.channels_made["stranger"].hung_up_with == causes.NORMAL_CLEARING
    assert not world.records


def test_a_reused_call_id_is_told_apart() -> None:
    async def twice(world: World) -> None:
        for _ in range(2):
            await dials(world, hangs_up=10)
        world.asterisk.at(20.0, calls(world, "a@phone"))
        await asyncio.sleep(21)

    world = story(twice, phones={endpoint("1002"): ANSWERS})
    first, second, later = begins(world)
    assert first == later == "a@phone"
    assert second.startswith("a@phone ")
    assert len(world.ends()) == 3


@pytest.mark.parametrize("length", [255, 256, 8000])
def test_a_long_call_id_fits_its_column(length: int) -> None:
    async def twice(world: World) -> None:
        for _ in range(2):
            caller = world.asterisk.call("1001", "1002", "x" * length)
            world.asterisk.at(5.0, partial(world.asterisk.end, caller))

    world = story(twice, phones={endpoint("1002"): RINGS})
    assert len(set(begins(world))) == 2
    assert max(map(len, begins(world))) <= 255


def test_overload_is_refused_with_503() -> None:
    """So many calls are served as are set up in good time, the others know at once."""

    async def rush(world: World) -> None:
        world.set(calls__max_setting_up=3)
        for number in range(10):
            caller = world.asterisk.call("1001", "1002", f"{number}@phone")
            world.asterisk.at(30.0, partial(world.asterisk.end, caller))
        world.asterisk.at(10.0, calls(world, "later@phone"))

    world = story(rush, phones={endpoint("1002"): ANSWERS})
    found = world.ends()
    assert (found.count("congestion"), found.count("normal_clearing")) == (7, 3)
    assert found.count("unallocated_number") == 1
    refused = [channel.hung_up_with for channel in world.asterisk.callers]
    assert refused.count(causes.ANSWER_TO_CALLER[HangupCause.CONGESTION]) == 7
    assert {detail.get("reason") for detail in world.details("refused")} >= {"overload"}


def test_phones_that_only_ring_are_no_overload() -> None:
    async def wait(world: World) -> None:
        world.set(calls__max_setting_up=1)
        for number in range(5):
            caller = world.asterisk.call("1001", "1002", f"{number}@phone")
            world.asterisk.at(10.0, partial(world.asterisk.end, caller))
            await asyncio.sleep(1)

    assert story(wait, phones={endpoint("1002"): RINGS}).ends() == ["cancel"] * 5


def test_a_caller_has_its_own_limit() -> None:
    async def twice(world: World) -> None:
        world.extension("1001", max_concurrent_calls=1)
        for number in range(2):
            caller = world.asterisk.call("1001", "1002", f"{number}@phone")
            world.asterisk.at(10.0, partial(world.asterisk.end, caller))

    assert sorted(story(twice, phones={endpoint("1002"): RINGS}).ends()) == ["cancel", "congestion"]


@pytest.mark.parametrize("columns", [{"status": ExtensionStatus.INACTIVE}, {"deleted": True}])
def test_a_caller_without_rights(columns: dict[str, Any]) -> None:
    async def forbidden(world: World) -> None:
        world.extension("1001", **columns)
        await dials(world)

    world = story(forbidden, phones={endpoint("1002"): Phone()})
    assert world.cause() == HangupCause.FORBIDDEN
    assert not world.legs()


@pytest.mark.parametrize(("agent", "rung"), [("friendly-scanner 1.8", 0), ("Snom 715", 1)])
def test_a_phone_whose_user_agent_is_blacklisted(agent: str, rung: int) -> None:
    async def dials_with(world: World) -> None:
        world.keep(blacklist=blacklisted(BlacklistType.USER_AGENT, "Scanner"))
        caller = world.asterisk.call("1001", "1002", agent=agent)
        world.asterisk.at(10.0, partial(world.asterisk.end, caller))

    world = story(dials_with, phones={endpoint("1002"): ANSWERS})
    assert len(world.legs()) == rung
    assert [detail["reason"] for detail in world.details("refused")] == ["blacklist"] * (1 - rung)
