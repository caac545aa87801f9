"""What the next process knows of a call that goes out: who pays, who is engaged."""

import asyncio
import json
from datetime import UTC
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasis_app.flows.way import Way
from stasis_app.rules.models import Destination, DestinationKind, Payer
from stasis_app.words import ExtensionStatus, HangupCause, Role
from tests.support.fake_phones import Phone
from tests.support.virtual_time import run

from .restarts import continued, to_the_end
from .rows import identity, inbound_rule, to_outside, trunk, user
from .stage import (
    ANSWERS,
    NUMBER,
    RINGS,
    SILENT,
    Act,
    calls_out,
    carriers,
    dials,
    with_trunks,
    world_of,
)
from .world import World, over

A, B = over("A", NUMBER), over("B", NUMBER)
TRYING = Phone(rings=None)
MOBILE, EMERGENCY = "01711234567", "112"
EARLY_MEDIA = Phone(rings=None, progresses=0.5)
RECONCILING = 4  # requests of a comparison


# what the next process must know

texts = st.text(max_size=20)
dates = st.datetimes(timezones=st.just(UTC))
payers = st.builds(
    Payer,
    extension=st.none() | texts,
    rule=st.none() | texts,
    diverted=st.none() | st.tuples(texts, texts),
    anonymous=st.booleans(),
    trunk=st.none() | st.uuids(),
)


@settings(deadline=None)
@given(
    st.builds(
        Way,
        destination=st.builds(Destination, st.sampled_from(DestinationKind), texts, payers),
        dialled=texts,
        trunk=st.uuids(),
        tried=st.lists(st.uuids()).map(tuple),
        max_seconds=st.none() | st.floats(1, 1e9),
        cut_at=st.none() | dates,
    )
)
def test_what_is_written_of_a_way_is_read_again(way: Way) -> None:
    assert Way.of(json.loads(json.dumps(way.arguments()))) == way


async def anonymously(world: World) -> None:
    with_trunks(world)
    await dials(world, 60.0, "*31" + NUMBER)


async def on_behalf(world: World) -> None:
    with_trunks(world)
    world.extension("1001", allow_mobile=False)
    world.extension("1002", forward_unconditional=MOBILE, outbound_caller_id="+4930200")
    await dials(world, 60.0)


async def in_test(world: World) -> None:
    with_trunks(world, {"test_code": "5"})
    world.keep(users=user("anna", Role.ADMIN))
    world.extension("1001", user=identity("anna"))
    await dials(world, 60.0, "*895*" + NUMBER)


async def in_an_emergency(world: World) -> None:
    with_trunks(world, {"max_concurrent_calls": 0}, max_concurrent_calls=0)
    world.extension("1001", status=ExtensionStatus.INACTIVE)
    await dials(world, 60.0, EMERGENCY)


def test_anonymous_caller_stays_anonymous() -> None:
    world = continued(carriers(SILENT), after=2.0, act=anonymously)
    assert [leg.variables["CONNECTEDLINE(pres,i)"] for leg in world.legs()] == ["prohib"] * 3


def test_anonymous_caller_stays_anonymous_when_forwarded_by_another_process() -> None:
    async def act(world: World) -> None:
        with_trunks(world)
        world.extension("1002", forward_on_no_answer=NUMBER, ring_seconds=5.0)
        await dials(world, 60.0, "*311002")

    world = continued({"PJSIP/1002": RINGS, **carriers(ANSWERS)}, after=2.0, act=act)
    [leg] = [leg for leg in world.legs() if "@" in leg.endpoint]
    assert leg.variables["CONNECTEDLINE(pres,i)"] == "prohib"


def test_forward_is_paid_by_who_forwards() -> None:
    world = continued(carriers(SILENT, number=MOBILE), after=2.0, act=on_behalf)
    assert world.dialled() == [over(name, MOBILE) for name in "AAB"]
    shown = [leg.variables["REDIRECTING(from-num,i)"] for leg in world.legs()]
    assert shown == ["+4930200"] * 3


def test_trunk_in_test_is_not_replaced() -> None:
    world = continued(carriers(SILENT), after=2.0, act=in_test)
    assert world.dialled() == [A, A]
    assert world.cause() == HangupCause.CONGESTION


def test_emergency_call_passes_everything() -> None:
    world = continued(carriers(SILENT, number=EMERGENCY), after=2.0, act=in_an_emergency)
    assert world.dialled() == [over(name, EMERGENCY) for name in "AAB"]
    assert world.cause() == HangupCause.NORMAL_CLEARING


# what counts


async def hairpin(world: World) -> None:
    with_trunks(world)
    world.keep(inbound_rules=inbound_rule("in", "493012345", to_outside(NUMBER)))
    caller = world.asterisk.deliver(trunk("B").endpoint, "493012345", "4940111")
    world.asterisk.at(60.0, partial(world.asterisk.end, caller))


async def forwarded(world: World) -> None:
    with_trunks(world)
    world.extension("1002", forward_unconditional=NUMBER)
    await dials(world, 60.0)


async def by_nobody_we_know(world: World) -> None:
    """A phone whose row is gone calls for help; its call still has only one trunk."""
    with_trunks(world)
    caller = world.asterisk.call("2999", EMERGENCY)
    world.asterisk.at(60.0, partial(world.asterisk.end, caller))


@pytest.mark.parametrize("carrier", [ANSWERS, RINGS, EARLY_MEDIA, TRYING])
@pytest.mark.parametrize(
    ("act", "engaged", "calling_out"),
    [
        (calls_out, {"1001": 1, "A": 1}, {"1001": 1}),
        (forwarded, {"1001": 1, "A": 1}, {"1002": 1}),
        (hairpin, {"A": 1, "B": 1}, {}),
        (by_nobody_we_know, {"A": 1}, {}),
    ],
)
def test_everybody_who_has_the_call_is_counted_again(
    act: Act, engaged: dict[str, int], calling_out: dict[str, int], carrier: Phone
) -> None:
    def counts(world: World) -> None:
        names = ("1001", "1002", "A", "B")
        for occupancy, expected in (
            (world.exchange.engaged, engaged),
            (world.exchange.calling_out, calling_out),
        ):
            found = {name: occupancy[identity(name)] for name in names}
            assert {name: count for name, count in found.items() if count} == expected

    async def tell() -> None:
        phones = {**carriers(carrier), **carriers(carrier, number=EMERGENCY)}
        world = world_of(phones=phones)
        await act(world)
        await asyncio.sleep(5)
        counts(world)
        for _ in range(2):
            world = world.next_process()
            await world.switchboard.reconcile()
            await asyncio.sleep(5)
            counts(world)
        row = world.row()
        assert row["direction"] == ("inbound" if act is hairpin else "outbound")
        assert row["trunk_id"] == str(identity("B" if act is hairpin else "A"))
        await to_the_end(world)

    run(tell())


def test_trunk_of_a_conversation_is_deleted() -> None:
    async def tell() -> World:
        world = world_of(phones=carriers(ANSWERS))
        await calls_out(world)
        await asyncio.sleep(5)
        world = world.next_process()
        world.book.trunks.forget([identity("A"), identity("B")])
        world.book.outbound_rules.forget([identity("all")])
        world.book.extensions.forget([identity("1001")])
        await world.switchboard.reconcile()
        await asyncio.sleep(5)
        assert len(world.asterisk.living()) == 2
        return await to_the_end(world)

    assert run(tell()).second_of("ended") == pytest.approx(60, abs=0.1)
