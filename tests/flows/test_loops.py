"""A call that we have sent out comes back to us."""

import asyncio

import pytest

from stasis_app.ari import events
from stasis_app.call import causes
from stasis_app.words import HangupCause
from tests.support.fake_phones import Channel
from tests.support.virtual_time import run

from .restarts import killed_on_arrival, to_the_end
from .rows import endpoint_of, inbound_rule, to_extension, to_outside
from .stage import (
    ANSWERS,
    CALLER,
    DID,
    NUMBER,
    OVERLOADED,
    RINGS,
    Act,
    carriers,
    story,
    with_trunks,
    world_of,
)
from .world import World, endpoint, over

OWN = "+49301234502"
FROM, COUNT = "REDIRECTING(from-num,i)", "REDIRECTING(count,i)"


def diverted_call(world: World, diverted: str, did: str = DID) -> Channel:
    """Let a carrier deliver a call that somebody has sent on."""
    trunk = endpoint_of("B")
    args = ("trunk", trunk, did, "allowed", diverted)
    channel = Channel("diverted", f"PJSIP/{trunk}", "Ring", args, did, "b@carrier", CALLER)
    channel.entered = True
    asterisk = world.asterisk
    asterisk.channels_made[channel.id] = channel
    asterisk.emit(events.StasisStart(asterisk.now(), channel.id, channel.described(), args))
    asterisk.at(30.0, lambda: asterisk.end(channel))
    return channel


def rule_sends_out(world: World) -> None:
    with_trunks(world)
    world.keep(inbound_rules=inbound_rule("in", DID, to_outside(NUMBER)))


def by_rule(diverted: str) -> Act:
    async def act(world: World) -> None:
        rule_sends_out(world)
        diverted_call(world, diverted)

    return act


def by_extension(diverted: str) -> Act:
    """What lets 1002 forward a call for DID when nobody answers."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.extension(
            "1002", outbound_caller_id=OWN, forward_on_no_answer=NUMBER, ring_seconds=3.0
        )
        world.keep(inbound_rules=inbound_rule("in", DID, to_extension("1002")))
        diverted_call(world, diverted)

    return act


def is_refused(world: World) -> None:
    assert world.cause() == HangupCause.LOOP_DETECTED
    assert world.reasons() == ["diverted_by_us"]
    [caller] = world.asterisk.callers
    assert caller.hung_up_with == causes.ANSWER_TO_CALLER[HangupCause.LOOP_DETECTED]


@pytest.mark.parametrize("diverted", [DID, "49301234500", "0301234500", "004930 1234500"])
def test_rule_sends_out_what_comes_back(diverted: str) -> None:
    """Neither over this trunk nor over the next."""
    world = story(by_rule(diverted), phones=carriers(ANSWERS))
    is_refused(world)
    assert not world.legs()


@pytest.mark.parametrize("diverted", ["", "+4989123456", "anonymous", "s"])
def test_call_that_somebody_else_has_sent_on(diverted: str) -> None:
    world = story(by_rule(diverted), phones=carriers(OVERLOADED))
    assert world.dialled() == [over("A", NUMBER), over("B", NUMBER)]
    assert [leg.variables[FROM] for leg in world.legs()] == [DID, DID]
    assert [leg.variables[COUNT] for leg in world.legs()] == ["1", "1"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


def test_extension_forwards_what_comes_back() -> None:
    """It may still be answered here."""
    world = story(by_extension(OWN), phones={endpoint("1002"): RINGS})
    is_refused(world)
    assert world.dialled() == [endpoint("1002")]


@pytest.mark.parametrize("diverted", ["", DID, "+4989123456"])
def test_extension_forwards_what_somebody_else_has_sent_on(diverted: str) -> None:
    phones = {endpoint("1002"): RINGS, **carriers(ANSWERS)}
    world = story(by_extension(diverted), phones=phones)
    assert world.dialled() == [endpoint("1002"), over("A", NUMBER)]
    assert world.legs()[1].variables[FROM] == OWN


def test_call_that_comes_back_is_known_to_the_process_that_takes_over_at_its_arrival() -> None:
    async def tell() -> World:
        world = world_of(phones=carriers(ANSWERS))
        rule_sends_out(world)
        killed_on_arrival(world)
        diverted_call(world, DID)
        await asyncio.sleep(1)
        world = world.next_process()
        await world.switchboard.reconcile()
        return await to_the_end(world)

    world = run(tell())
    is_refused(world)
    assert not world.legs()
