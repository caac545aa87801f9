"""How many calls to the outside an extension and a trunk may have, at once and in a minute."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .outgoing import NUMBER, forwarding, phone, refusal, talk_out, way_out
from .outside import setting
from .pbx import Pbx
from .test_restart import kill_app

MANY = 12


async def at_once(phones: list[RawPhone], calls: int = MANY) -> list[OutgoingCall]:
    """Make many calls in the same moment, the phones in turn."""
    turns = [phones[turn % len(phones)] for turn in range(calls)]
    return list(await asyncio.gather(*(one.invite(NUMBER) for one in turns)))


async def refused(calls: list[OutgoingCall], amount: int) -> None:
    """Wait until so many are refused with 503; the others are open."""
    await until(lambda: sum(call.is_over for call in calls) == amount, what=f"{amount} refusals")
    codes = Counter(call.status.code for call in calls if call.status)
    assert codes == {503: amount}


@pytest.mark.parametrize("cap", [0, 3])
@pytest.mark.parametrize("column", ["max_concurrent_outbound_calls", "outbound_calls_per_minute"])
async def test_caps_of_an_extension(pbx: Pbx, column: str, cap: int) -> None:
    way = await way_out(pbx, max_concurrent_calls=None)
    extension = await pbx.extension(max_concurrent_calls=None, **{column: cap})
    phones = [await pbx.phone(extension) for _ in range(2)]
    ben = await phone(pbx)
    calls = await at_once(phones)
    await refused(calls, MANY - cap)
    await until(lambda: len(way.invites) == cap, what=f"{cap} INVITEs")
    await ben.invite(NUMBER)
    await until(lambda: len(way.invites) == cap + 1, what="the call of somebody else")
    for call in calls:
        await call.close()
    await until(lambda: count_open(pbx, extension.id, 0), what="the ends of the calls")
    call = await phones[0].invite(NUMBER)
    if cap and column == "max_concurrent_outbound_calls":
        await until(lambda: len(way.invites) == cap + 2, what="a call after the others")
    else:
        assert (await call.final()).code == 503


@pytest.mark.parametrize("cap", [0, 3])
@pytest.mark.parametrize("column", ["max_concurrent_calls", "outbound_calls_per_minute"])
async def test_caps_of_a_trunk(pbx: Pbx, column: str, cap: int) -> None:
    row: dict[str, Any] = {"max_concurrent_calls": None, column: cap}
    way = await way_out(pbx, **row)
    phones = [await phone(pbx, max_concurrent_calls=None) for _ in range(3)]
    calls = await at_once(phones)
    await refused(calls, MANY - cap)
    await until(lambda: len(way.invites) == cap, what=f"{cap} INVITEs")


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("toll.extension_calls_at_once", "max_concurrent_outbound_calls"),
        ("toll.extension_calls_per_minute", "outbound_calls_per_minute"),
    ],
)
async def test_a_cap_for_all_and_another_for_one(pbx: Pbx, key: str, own: str) -> None:
    way = await way_out(pbx, max_concurrent_calls=None)
    row: dict[str, Any] = {"max_concurrent_calls": None}
    anna, ben = await phone(pbx, **row), await phone(pbx, **row, **{own: 4})
    await setting(pbx, key, 2)
    await refused(await at_once([anna]), MANY - 2)
    await refused(await at_once([ben]), MANY - 4)
    await until(lambda: len(way.invites) == 6, what="six INVITEs")


async def test_forwards_count_for_who_forwards(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna, carla = await phone(pbx), await phone(pbx)
    ben = await forwarding(pbx, NUMBER, max_concurrent_outbound_calls=1)
    await anna.invite(ben.number)
    await way.carrier.expect_invite()
    await refusal(pbx, carla, ben.number, 503)
    assert len(way.invites) == 1


async def test_caps_count_the_calls_that_a_killed_app_left(pbx: Pbx) -> None:
    way = await way_out(pbx, max_concurrent_calls=4)
    anna = await phone(pbx, max_concurrent_outbound_calls=2)
    ben = await phone(pbx, max_concurrent_calls=None)
    first, _ = await talk_out(anna, way)
    ringing = await anna.invite(NUMBER)
    (await way.carrier.expect_invite()).ring()
    await ringing.ringing()
    await talk_out(ben, way)
    await until(lambda: count_open(pbx, pbx.extensions[0].id, 2), what="both calls in Postgres")
    await kill_app(pbx)
    await refusal(pbx, anna, NUMBER, 503)
    assert len(way.invites) == 3
    await ben.invite(NUMBER)
    await way.carrier.expect_invite()
    await refused([await ben.invite(NUMBER)], 1)
    await first.hangup()
    await until(lambda: count_open(pbx, pbx.extensions[0].id, 1), what="the end of a call")
    await anna.invite(NUMBER)
    await until(lambda: len(way.invites) == 5, what="a call in the place of the one that ended")


async def count_open(pbx: Pbx, extension: object, expected: int) -> bool:
    query = "SELECT count(*) FROM calls WHERE caller_extension_id = $1"
    found: int = await pbx.db.fetchval(query, extension)
    return found == expected
