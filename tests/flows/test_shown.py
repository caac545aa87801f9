"""What a carrier and the phones are told of a caller."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from stasis_app.rules.models import OutboundRule
from stasis_app.words import CallerIdMode, ForwardedCallerId, HangupCause

from .rows import identity, inbound_rule, outbound_rule, to_extension, to_outside, trunk
from .stage import (
    ANSWERS,
    BUSY,
    NUMBER,
    OVERLOADED,
    RINGS,
    Act,
    carriers,
    dials,
    story,
    with_trunks,
)
from .world import World, endpoint

NUM, NAME, PRESENTATION = (f"CONNECTEDLINE({part},i)" for part in ("num", "name", "pres"))
FROM, REASON, COUNT = (f"REDIRECTING({part},i)" for part in ("from-num", "reason", "count"))

ANNA: Mapping[str, Any] = {"display_name": "Anna", "outbound_caller_id": "+4930100"}
BEN: Mapping[str, Any] = {"display_name": "Ben", "outbound_caller_id": "+4930200"}
MAIN = "+49301000"
DID, STRANGER = "493012345", "+4940111"


def rule(mode: CallerIdMode, custom: str | None = None) -> OutboundRule:
    return outbound_rule("all", "^0", "A", caller_id_mode=mode, custom_caller_id=custom)


def shown(world: World) -> list[dict[str, str]]:
    """The variables of each leg over a trunk, without those that Asterisk has set."""
    ours = (NUM, NAME, PRESENTATION, FROM, REASON, COUNT)
    return [
        {name: value for name, value in leg.variables.items() if name in ours}
        for leg in world.legs()
        if "@" in leg.endpoint
    ]


def anna_calls(number: str = NUMBER, **trunk_a: Any) -> Act:
    async def act(world: World) -> None:
        with_trunks(world, {"default_caller_id": MAIN, **trunk_a})
        world.extension("1001", **ANNA)
        await dials(world, 10.0, number)

    return act


@pytest.mark.parametrize(
    ("rule", "number", "name"),
    [
        (rule(CallerIdMode.EXTENSION), "+4930100", "Anna"),
        (rule(CallerIdMode.TRUNK), MAIN, ""),
        (rule(CallerIdMode.CUSTOM, "+49800"), "+49800", ""),
    ],
)
def test_number_that_the_rule_wants_shown(rule: OutboundRule, number: str, name: str) -> None:
    async def act(world: World) -> None:
        await anna_calls()(world)
        world.keep(outbound_rules=rule)

    assert shown(story(act, phones=carriers(ANSWERS))) == [{NUM: number, NAME: name}]


def test_leg_shows_its_caller_by_itself() -> None:
    """Were the caller given to the dial, or the displays updated, the carrier would learn 1001."""
    world = story(anna_calls(), phones=carriers(ANSWERS))
    [leg] = world.legs()
    assert leg.dialled_for is None
    assert not world.asterisk.displays_updated


def test_phone_shows_who_dials_it() -> None:
    world = story(partial(dials, hangs_up=10.0), phones={endpoint("1002"): ANSWERS})
    [leg] = world.legs()
    assert leg.dialled_for == world.asterisk.callers[0].id
    assert not leg.variables.keys() & {NUM, NAME}


def test_each_trunk_shows_its_own_number() -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"default_caller_id": MAIN}, username="account")
        world.keep(outbound_rules=rule(CallerIdMode.TRUNK))
        await dials(world, 10.0, NUMBER)

    found = shown(story(act, phones=carriers(OVERLOADED)))
    assert [one[NUM] for one in found] == [MAIN, "account"]


def test_anonymous_call_has_a_number_that_is_not_to_be_told() -> None:
    world = story(anna_calls("*31" + NUMBER), phones=carriers(OVERLOADED))
    hidden = {NUM: "+4930100", NAME: "Anna", PRESENTATION: "prohib"}
    assert shown(world) == [hidden, hidden]


def test_name_is_cut_to_what_a_display_can_show() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", display_name="An\r\nna\x00" + "x" * 200)
        await dials(world, 10.0, NUMBER)

    [found] = shown(story(act, phones=carriers(ANSWERS)))
    assert found[NAME] == "Anna" + "x" * 76


# forwarded calls


def ben_forwards(kind: str, mode: ForwardedCallerId, caller: str = STRANGER, **columns: Any) -> Act:
    async def act(world: World) -> None:
        with_trunks(world, {"default_caller_id": MAIN, "forwarded_caller_id": mode})
        forward = {f"forward_{kind}": NUMBER, "ring_seconds": 3.0}
        world.extension("1002", **{**BEN, **forward, **columns})
        world.keep(inbound_rules=inbound_rule("in", DID, to_extension("1002")))
        call = world.asterisk.deliver(trunk("B").endpoint, DID, caller)
        world.asterisk.at(20.0, partial(world.asterisk.end, call))

    return act


@pytest.mark.parametrize(
    ("kind", "phone", "columns", "reason"),
    [
        ("unconditional", RINGS, {}, "cfu"),
        ("on_busy", BUSY, {}, "cfb"),
        ("on_busy", RINGS, {"dnd": True}, "cfb"),
        ("on_no_answer", RINGS, {}, "cfnr"),
    ],
)
@pytest.mark.parametrize("mode", ForwardedCallerId)
def test_forwarded_call_says_who_sent_it_on(
    mode: ForwardedCallerId, kind: str, phone: Any, columns: dict[str, Any], reason: str
) -> None:
    phones = {endpoint("1002"): phone, **carriers(ANSWERS)}
    world = story(ben_forwards(kind, mode, **columns), phones=phones)
    own = {NUM: "+4930200", NAME: "Ben"}
    original = {NUM: STRANGER, NAME: ""}
    identity = own if mode is ForwardedCallerId.OWN else original
    diversion = {FROM: "+4930200", REASON: reason, COUNT: "1"}
    assert shown(world) == [{**identity, **diversion}]


@pytest.mark.parametrize("mode", ForwardedCallerId)
def test_forwarded_caller_stays_anonymous(mode: ForwardedCallerId) -> None:
    act = ben_forwards("unconditional", mode, caller="anonymous")
    [found] = shown(story(act, phones=carriers(ANSWERS)))
    assert found[PRESENTATION] == "prohib"
    assert found[FROM] == "+4930200"


@pytest.mark.parametrize("mode", ForwardedCallerId)
def test_rule_that_sends_a_call_out_says_so(mode: ForwardedCallerId) -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"default_caller_id": MAIN, "forwarded_caller_id": mode})
        world.keep(inbound_rules=inbound_rule("in", DID, to_outside(NUMBER)))
        caller = world.asterisk.deliver(trunk("B").endpoint, DID, STRANGER)
        world.asterisk.at(20.0, partial(world.asterisk.end, caller))

    world = story(act, phones=carriers(ANSWERS))
    [found] = shown(world)
    assert found[NUM] == (MAIN if mode is ForwardedCallerId.OWN else STRANGER)
    assert {name: found[name] for name in (FROM, REASON, COUNT)} == {
        FROM: DID,
        REASON: "cfu",
        COUNT: "1",
    }
    row = world.row()
    assert (row["direction"], row["trunk_id"]) == ("inbound", str(identity("B")))
    assert world.cause() == HangupCause.NORMAL_CLEARING


@pytest.mark.parametrize("mode", ForwardedCallerId)
def test_anonymous_call_that_is_forwarded_stays_anonymous(mode: ForwardedCallerId) -> None:
    async def act(world: World) -> None:
        with_trunks(world, {"forwarded_caller_id": mode})
        world.extension("1002", forward_on_busy=NUMBER, **BEN)
        await dials(world, 20.0, "*311002")

    world = story(act, phones={endpoint("1002"): BUSY, **carriers(ANSWERS)})
    [found] = shown(world)
    assert found[PRESENTATION] == "prohib"
