"""Who may call out, who pays, and how much at once."""

import asyncio
from functools import partial
from typing import Any

import pytest

from stasis_app.words import HangupCause, Role
from tests.support.fake_phones import Phone

from .rows import (
    identity,
    inbound_rule,
    outbound_rule,
    to_extension,
    to_outside,
    trunk,
    user,
)
from .stage import ANSWERS, NUMBER, OVERLOADED, SILENT, Act, carriers, dials, story, with_trunks
from .world import World, over

MOBILE = "01711234567"
ABROAD = "00442079460000"
EMERGENCY = "112"


def on_all(phone: Phone, *numbers: str) -> dict[str, Phone]:
    return {over(name, number): phone for number in numbers for name in "AB"}


def call(number: str = NUMBER, hangs_up: float = 10.0, **columns: Any) -> Act:
    """What lets 1001, whose row has these columns, dial."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", **columns)
        await dials(world, hangs_up, number)

    return act


# rights


@pytest.mark.parametrize(
    ("number", "columns", "reason"),
    [
        (ABROAD, {"allow_international": False}, "international"),
        ("+442079460000", {"allow_international": False}, "international"),
        (MOBILE, {"allow_mobile": False}, "mobile"),
        ("+49 171 1234567", {"allow_mobile": False}, "mobile"),
        ("*31" + MOBILE, {"allow_mobile": False}, "mobile"),
    ],
)
def test_what_an_extension_may_not_call(number: str, columns: dict[str, Any], reason: str) -> None:
    world = story(call(number, **columns))
    assert not world.legs()
    assert world.cause() == HangupCause.FORBIDDEN
    assert world.reasons() == [reason]


def test_number_without_a_rule() -> None:
    world = story(call("4711"))
    assert not world.legs()
    assert world.cause() == HangupCause.UNALLOCATED_NUMBER


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("role", Role)
def test_role_of_the_user(role: Role, active: bool) -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.keep(users=user("anna", role, active=active))
        world.extension("1001", user=identity("anna"))
        only = frozenset({Role.ADMIN})
        world.keep(outbound_rules=outbound_rule("all", "^0", "A", roles=only))
        await dials(world, 10.0, NUMBER)

    world = story(act, phones=carriers(ANSWERS))
    may = active and role is Role.ADMIN
    assert len(world.legs()) == may
    assert world.cause() == (HangupCause.NORMAL_CLEARING if may else HangupCause.FORBIDDEN)


@pytest.mark.parametrize("kind", ["unconditional", "on_busy", "on_no_answer"])
def test_forward_pays_with_the_rights_of_who_forwards(kind: str) -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", allow_mobile=False, outbound_calls_per_minute=0)
        forward: dict[str, Any] = {f"forward_{kind}": MOBILE, "dnd": kind == "on_busy"}
        world.extension("1002", **forward)
        await dials(world, hangs_up=60)

    world = story(act, phones=on_all(ANSWERS, MOBILE))
    assert [leg.endpoint for leg in world.legs() if "@" in leg.endpoint] == [over("A", MOBILE)]
    assert world.cause() == HangupCause.NORMAL_CLEARING
    assert world.row()["direction"] == "outbound"


@pytest.mark.parametrize(
    "columns",
    [
        {"allow_mobile": False},
        {"outbound_calls_per_minute": 0},
        {"max_concurrent_outbound_calls": 0},
    ],
)
def test_forward_is_no_way_round_the_rights_of_who_forwards(columns: dict[str, Any]) -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_unconditional=MOBILE, **columns)
        await dials(world)

    world = story(act, phones=on_all(ANSWERS, MOBILE))
    assert not world.legs()
    assert "refused" in world.events()


def test_last_of_a_chain_of_forwards_pays() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_unconditional="1003")
        world.extension("1003", forward_unconditional=MOBILE, allow_mobile=False)
        await dials(world)

    assert story(act).reasons() == ["mobile"]


def test_caller_from_outside_is_forwarded_with_the_rights_of_who_forwards() -> None:
    async def act(world: World) -> None:
        with_trunks(world, max_concurrent_calls=1)
        world.extension("1002", forward_unconditional=MOBILE, max_concurrent_outbound_calls=1)
        world.keep(inbound_rules=inbound_rule("in", "493012345", to_extension("1002")))
        for _ in range(2):
            caller = world.asterisk.deliver(trunk("A").endpoint, "493012345", "4940111")
            world.asterisk.at(10.0, partial(world.asterisk.end, caller))
            await asyncio.sleep(1)

    world = story(act, phones=on_all(ANSWERS, MOBILE))
    assert len(world.legs()) == 1
    assert world.reasons() == ["outbound_calls_at_once"]


# caps


async def calls_at(world: World, *seconds: float, number: str = NUMBER) -> None:
    """Let 1001 call at these seconds, for half a minute each."""
    started = 0.0
    for second in seconds:
        await asyncio.sleep(second - started)
        started = second
        await dials(world, 30.0, number)


@pytest.mark.parametrize(
    ("columns", "settings"),
    [
        ({"max_concurrent_outbound_calls": 2}, {}),
        ({}, {"toll__extension_calls_at_once": 2}),
        ({"max_concurrent_outbound_calls": 2}, {"toll__extension_calls_at_once": 9}),
    ],
)
def test_outside_calls_of_an_extension_at_once(
    columns: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Those that only ring count, and one that ends makes room."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", **columns)
        world.set(**settings)
        await calls_at(world, 0, 1, 2, 31)

    world = story(act, phones=carriers(Phone(rings=1.0, answers=5.0)))
    assert len(world.legs()) == 3
    assert sorted(world.ends()) == ["congestion"] + ["normal_clearing"] * 3
    assert world.reasons() == ["outbound_calls_at_once"]


def test_many_calls_in_one_moment() -> None:
    """A cap is kept exactly, also one trunk's."""

    async def act(world: World) -> None:
        with_trunks(world, {"max_concurrent_calls": 3}, max_concurrent_calls=1)
        world.extension("1001", max_concurrent_outbound_calls=5)
        for number in ("1001", "1002"):
            for _ in range(10):
                caller = world.asterisk.call(number, NUMBER)
                world.asterisk.at(30.0, partial(world.asterisk.end, caller))

    world = story(act, phones=carriers(ANSWERS))
    found = [leg.endpoint for leg in world.legs()]
    assert found == [over("A", NUMBER)] * 3 + [over("B", NUMBER)]
    assert world.ends().count("congestion") == 16


@pytest.mark.parametrize(
    ("columns", "settings"),
    [
        ({"outbound_calls_per_minute": 2}, {}),
        ({}, {"toll__extension_calls_per_minute": 2}),
        ({"outbound_calls_per_minute": 2}, {"toll__extension_calls_per_minute": 9}),
    ],
)
def test_outside_calls_of_an_extension_in_a_minute(
    columns: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Those that nobody took count; those that were refused do not."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", **columns)
        world.set(**settings)
        await calls_at(world, 0, 30, 31, 59, 61, 62)

    world = story(act, phones=carriers(OVERLOADED, OVERLOADED))
    assert [round(leg.made_at) for leg in world.legs()] == [0, 0, 30, 30, 61, 61]
    assert world.reasons().count("outbound_calls_per_minute") == 3


def test_calls_inside_cost_nothing() -> None:
    async def act(world: World) -> None:
        world.extension("1001", outbound_calls_per_minute=0, max_concurrent_outbound_calls=0)
        await dials(world, 10.0)

    assert len(story(act, phones={"PJSIP/1002": ANSWERS}).legs()) == 1


@pytest.mark.parametrize(
    ("columns", "settings"),
    [({"outbound_calls_per_minute": 1}, {}), ({}, {"toll__trunk_calls_per_minute": 1})],
)
def test_calls_over_a_trunk_in_a_minute(columns: dict[str, Any], settings: dict[str, Any]) -> None:
    async def act(world: World) -> None:
        with_trunks(world, columns)
        world.set(**settings)
        await calls_at(world, 0, 1, 2, 61)

    world = story(act, phones=carriers(ANSWERS))
    first, second, *more = [leg.endpoint for leg in world.legs()]
    assert (first, second, more[-1]) == (over("A", NUMBER), over("B", NUMBER), over("A", NUMBER))
    skipped = world.details("trunk_skipped")
    assert skipped[0] == {"trunk": "A", "reason": "outbound_calls_per_minute"}


def test_extension_counts_while_its_call_goes_from_trunk_to_trunk() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1001", max_concurrent_outbound_calls=1)
        await calls_at(world, 0, 3.9, 4.0, 4.005, 4.01)

    world = story(act, phones=carriers(SILENT))
    assert world.reasons() == ["outbound_calls_at_once"] * 4


# who may let a call from outside go out again


def test_only_a_row_lets_a_call_from_outside_out_again() -> None:
    """A carrier that asks for a number of somebody else gets 404."""

    async def act(world: World) -> None:
        with_trunks(world)
        world.keep(inbound_rules=inbound_rule("out", "493012345", to_outside(MOBILE)))
        for did in (NUMBER, MOBILE, EMERGENCY, "*31" + MOBILE, "493012345"):
            caller = world.asterisk.deliver(trunk("B").endpoint, did, "4940111")
            world.asterisk.at(10.0, partial(world.asterisk.end, caller))
            await asyncio.sleep(1)

    world = story(act, phones=on_all(ANSWERS, NUMBER, MOBILE, EMERGENCY))
    assert [leg.endpoint for leg in world.legs()] == [over("A", MOBILE)]
    assert world.ends() == ["unallocated_number"] * 4 + ["normal_clearing"]
