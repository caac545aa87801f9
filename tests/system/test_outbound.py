"""Calls to the outside by rules and rows: which number goes to which carrier, and what is kept."""

from typing import Any

import pytest

from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .outgoing import (
    ABROAD,
    NUMBER,
    PRIORITY,
    Way,
    dial_out,
    phone,
    refusal,
    talk_out,
    user,
    way_out,
)
from .outside import carrier, change, outbound, trunk
from .pbx import Pbx


async def test_from_a_phone_to_a_row(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    assert incoming.dialled == NUMBER
    incoming.ring()
    await call.ringing()
    ringing = await pbx.in_state(anna.number, "ringing")
    assert (ringing["direction"], ringing["trunk_id"]) == ("outbound", way.trunk)
    await incoming.answer()
    await call.answered()
    await pbx.in_state(anna.number, "answered")
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    assert incoming.bye == "remote"
    cdr = await pbx.cdr(anna.number)
    assert (cdr["direction"], cdr["trunk_id"]) == ("outbound", way.trunk)
    assert (cdr["callee_number"], cdr["callee_extension_id"]) == (NUMBER, None)
    assert cdr["caller_extension_id"] == pbx.extensions[0].id
    assert cdr["hangup_cause"] == "normal_clearing"
    assert cdr["initiated_at"] < cdr["ringing_at"] < cdr["answered_at"] < cdr["ended_at"]
    timeline = ["arrived", "routed", "dialled_out", "rang", "answered", "ended"]
    assert await pbx.timeline(cdr["call_id"]) == timeline


async def test_the_other_side_hangs_up(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    await incoming.hangup()
    await call.ended()
    assert call.bye == "remote"
    cdr = await pbx.cdr(anna.number)
    assert cdr["hangup_cause"] == "normal_clearing"
    assert (await pbx.timeline(cdr["call_id"]))[-2:] == ["hung_up", "ended"]


@pytest.mark.parametrize(
    ("pattern", "rule", "dialled", "sent"),
    [
        ("^0", {}, NUMBER, NUMBER),
        ("^9", {"strip_digits": 1}, f"9{NUMBER}", NUMBER),
        ("^0[1-9]", {"strip_digits": 1, "prepend": "+49"}, NUMBER, "+493023125001"),
        ("^0", {"prepend": "4711*"}, NUMBER, f"4711*{NUMBER}"),
        ("^0", {}, "030/23125-001", NUMBER),
        ("^0", {}, "030%2023125%20001", NUMBER),
        (r"^\+44", {}, ABROAD, "+442079460018"),
        ("^0[1-9]", {}, "+49 30 23125001".replace(" ", "%20"), NUMBER),
        ("^0[1-9]", {}, "004930.23125001", NUMBER),
        (r"^\+", {"strip_digits": 1, "prepend": "00"}, "+442079460018", "00442079460018"),
        ("5001$", {}, NUMBER, NUMBER),
        ("^118$", {}, "118", "118"),
    ],
)
async def test_the_number_on_the_wire(
    pbx: Pbx, pattern: str, rule: dict[str, Any], dialled: str, sent: str
) -> None:
    way = await way_out(pbx, pattern, rule)
    anna = await phone(pbx)
    _, incoming = await dial_out(anna, way, dialled)
    assert incoming.dialled == sent
    incoming.reject(486)
    cdr = await pbx.cdr(anna.number)
    assert cdr["callee_number"] == dialled.replace("%20", " ")


async def came_over(anna: RawPhone, *ways: Way) -> int:
    """Make a call that finds the callee busy; return the place of the carrier it came to."""
    call = await anna.invite(NUMBER)
    await until(lambda: any(way.carrier.is_called for way in ways), what="an INVITE")
    place = next(place for place, way in enumerate(ways) if way.carrier.is_called)
    (await ways[place].carrier.expect_invite()).reject(486)
    assert (await call.final()).code == 486
    return place


async def test_the_first_rule_by_priority_that_may_be_used(pbx: Pbx) -> None:
    """The lowest value first; a rule for other roles, numbers or a trunk that is off is skipped."""
    ways = [
        await way_out(pbx, "^0", {"priority": 3}),
        await way_out(pbx, "^0", {"priority": 2, "allowed_for_roles": ["admin"]}),
        await way_out(pbx, "^04", {"priority": 1}),
        await way_out(pbx, "^0", {"priority": 4}),
    ]
    anna = await phone(pbx)
    ben = await phone(pbx, user_id=await user(pbx, "admin"))
    assert await came_over(anna, *ways) == 0
    assert await came_over(ben, *ways) == 1
    for place in (0, 1):
        await change(pbx, "trunks", ways[place].trunk, status="inactive")
    assert await came_over(ben, *ways) == 3


async def test_a_row_edited_between_two_calls(pbx: Pbx) -> None:
    """Each edit counts for the next call."""
    first, second = [await way_out(pbx, pattern) for pattern in ("^0", "^9")]
    anna = await phone(pbx)
    rule = "UPDATE outbound_rules SET {} WHERE trunk_id = $1"
    trunk = "UPDATE trunks SET {} WHERE id = $1"
    assert await came_over(anna, first, second) == 0
    for statement, way, place in (
        (rule.format("number_pattern = '^1'"), first, None),
        (rule.format("number_pattern = '^03', priority = 5"), second, 1),
        (rule.format("number_pattern = '^0', priority = 1"), first, 0),
        (trunk.format("status = 'inactive'"), first, 1),
        (trunk.format("status = 'active'"), first, 0),
        (rule.format("status = 'inactive'"), first, 1),
        (trunk.format("deleted_at = now()"), second, None),
    ):
        await pbx.db.execute(statement, way.trunk)
        await pbx.settled()
        if place is None:
            await refusal(pbx, anna, NUMBER, 503)
        else:
            assert await came_over(anna, first, second) == place, statement


async def test_another_host_and_port_in_the_row(pbx: Pbx) -> None:
    """Asterisk keeps what it has read for a second; the conversation goes on meanwhile."""
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    moved = await carrier(pbx)
    await change(pbx, "trunks", way.trunk, host=moved.host, port=moved.port)
    new = Way(moved, way.trunk)

    async def moves() -> bool:
        return await came_over(anna, way, new) == 1

    await until(moves, what="a call to the new address")
    await hear_each_other(call, incoming)
    await call.hangup()


@pytest.mark.parametrize("goes", [True, False])
async def test_a_trunk_whose_row_goes_keeps_its_calls(pbx: Pbx, *, goes: bool) -> None:
    """It is deleted, or made inactive; to Asterisk the carrier is a stranger then."""
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    if goes:
        await pbx.db.execute("DELETE FROM trunks WHERE id = $1", way.trunk)
        await pbx.settled()
    else:
        await change(pbx, "trunks", way.trunk, status="inactive")
    stranger = await way.carrier.call(NUMBER)
    assert (await stranger.final()).code == 401
    await refusal(pbx, await phone(pbx), NUMBER, 503)
    for side in (call, incoming):
        await side.hold()
        await side.resume()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()
    assert (await pbx.cdr(anna.number))["trunk_id"] == (None if goes else way.trunk)


async def test_codecs_in_the_order_of_the_row(pbx: Pbx) -> None:
    way = await way_out(pbx, codec_preferences=["g722", "pcma", "pcmu"])
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    assert incoming.offered[:3] == ["G722", "PCMA", "PCMU"]
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()


async def test_over_tcp(pbx: Pbx) -> None:
    one = await carrier(pbx, transport="tcp")
    way = Way(one, await trunk(pbx, one))
    await outbound(pbx, "^0", way.trunk, priority=PRIORITY)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()


async def test_without_a_rule_nobody_is_called(pbx: Pbx) -> None:
    way = await way_out(pbx, "^4")
    anna = await phone(pbx)
    cdr = await refusal(pbx, anna, "99887766", 404)
    assert (cdr["hangup_cause"], cdr["direction"]) == ("unallocated_number", "internal")
    assert not way.invites


async def test_a_rule_that_leaves_no_number(pbx: Pbx) -> None:
    way = await way_out(pbx, "^77", {"strip_digits": 9})
    anna = await phone(pbx)
    cdr = await refusal(pbx, anna, "7712345", 484)
    assert cdr["hangup_cause"] == "invalid_number"
    assert not way.invites
