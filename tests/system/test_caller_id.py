"""Whose number a carrier is told (RFC 3325, RFC 5806), and that it is told of nobody else."""

from typing import Any

import pytest

from tests.support.callee import IncomingCall
from tests.support.carrier import CALLER
from tests.support.dialog import Dialog

from .outgoing import NUMBER, Way, dial_out, forwarding, phone, talk_out, way_out
from .outside import carrier, inbound, trunk
from .pbx import NUMBERS, Extension, Pbx

MAIN = "+49301000000"
OWN = "+49301000042"
CUSTOM = "+49301000099"
WITHHOLDING: list[dict[str, Any]] = [
    {"caller": "anonymous"},
    {"caller": "anonymous", "asserted": CALLER, "privacy": "id"},
    {"caller": CALLER, "name": "Otto", "privacy": "id"},
    {"caller": CALLER, "name": "Otto", "asserted": CALLER, "privacy": "user;id"},
]


def identity(call: IncomingCall) -> tuple[str, str, str]:
    """Return what an open call shows: number and name, the same in both headers, and Privacy."""
    assert call.asserted is not None
    assert (call.sender.user, call.sender.name) == (call.asserted.user, call.asserted.name)
    return call.sender.user, call.sender.name, call.privacy


def withheld(call: IncomingCall) -> str:
    """Return the number that only the carrier is told."""
    assert call.asserted is not None
    assert call.sender.uri == "sip:anonymous@anonymous.invalid"
    assert call.privacy == "id"
    return call.asserted.user


def told_nothing_of(call: Dialog, *secrets: str) -> bool:
    """Whether none of these texts stands in any message to the other side of a call."""
    sent = [t.message for t in call.phone.messages if t.way == "<-"]
    mine = [m.render() for m in sent if m.get("Call-ID") == call.call_id]
    return not any(secret.encode() in data for secret in secrets for data in mine)


@pytest.mark.parametrize(
    ("rule", "row", "shown"),
    [
        ({}, {}, ("NUMBER", "Anna Ärmel")),
        ({}, {"outbound_caller_id": OWN}, (OWN, "Anna Ärmel")),
        ({"caller_id_mode": "trunk"}, {"outbound_caller_id": OWN}, (MAIN, "")),
        (
            {"caller_id_mode": "custom", "custom_caller_id": CUSTOM},
            {"outbound_caller_id": OWN},
            (CUSTOM, ""),
        ),
        ({"caller_id_mode": "custom"}, {}, (MAIN, "")),
    ],
)
async def test_each_mode(
    pbx: Pbx, rule: dict[str, Any], row: dict[str, Any], shown: tuple[str, str]
) -> None:
    way = await way_out(pbx, rule=rule, default_caller_id=MAIN)
    anna = await phone(pbx, display_name="Anna Ärmel", **row)
    call, incoming = await dial_out(anna, way)
    number, name = shown
    assert identity(incoming) == (number.replace("NUMBER", anna.number), name, "")
    assert incoming.diversion is None
    await incoming.answer()
    await call.answered()
    assert call.shown.user == NUMBER
    await call.hangup()


@pytest.mark.parametrize(("mode", "number"), [("extension", OWN), ("trunk", MAIN)])
async def test_an_anonymous_call(pbx: Pbx, mode: str, number: str) -> None:
    way = await way_out(pbx, rule={"caller_id_mode": mode}, default_caller_id=MAIN)
    anna = await phone(pbx, display_name="Anna", outbound_caller_id=OWN)
    call, incoming = await dial_out(anna, way, f"*31{NUMBER}")
    assert incoming.dialled == NUMBER
    assert withheld(incoming) == number
    assert told_nothing_of(incoming, anna.number)
    await call.hangup()
    assert (await pbx.cdr(anna.number))["callee_number"] == f"*31{NUMBER}"


@pytest.mark.parametrize("mode", ["trunk", "extension"])
async def test_nothing_leaks_after_the_answer(pbx: Pbx, mode: str) -> None:
    """Hold makes each side negotiate anew, with headers that name somebody."""
    way = await way_out(pbx, rule={"caller_id_mode": mode}, default_caller_id=MAIN)
    anna = await phone(pbx, display_name="Anna", outbound_caller_id=OWN)
    dialled = NUMBER if mode == "trunk" else f"*31{NUMBER}"
    call, incoming = await talk_out(anna, way, dialled)
    for side in (call, incoming):
        await side.hold()
        await pbx.in_state(anna.number, "held")
        await side.resume()
        await pbx.in_state(anna.number, "answered")
    assert told_nothing_of(incoming, anna.number)
    assert mode == "extension" or told_nothing_of(incoming, "Anna", OWN)
    assert call.shown.user in (NUMBER, dialled)
    await call.hangup()


async def ben_forwards(pbx: Pbx, forward: str) -> Extension:
    columns: dict[str, Any] = {
        f"forward_{forward}_enabled": True,
        f"forward_{forward}_destination": NUMBER,
        "outbound_caller_id": OWN,
        "display_name": "Ben",
    }
    if forward == "on_no_answer":
        columns["forward_on_no_answer_timeout"] = 1
    return await pbx.extension(**columns)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        ("unconditional", "unconditional"),
        ("on_busy", "user-busy"),
        ("on_no_answer", "no-answer"),
        ("on_no_answer", "unavailable"),
    ],
)
async def test_a_forwarded_call_says_who_forwarded_it(pbx: Pbx, forward: str, reason: str) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx, display_name="Anna")
    extension = await ben_forwards(pbx, forward)
    ben = await pbx.phone(extension) if reason in ("user-busy", "no-answer") else None
    call = await anna.invite(extension.number)
    if ben:
        rung = await ben.expect_invite()
        rung.reject(486) if reason == "user-busy" else rung.ring()
    incoming = await way.carrier.expect_invite()
    assert identity(incoming) == (OWN, "Ben", "")
    assert incoming.diversion == (OWN, reason)
    await incoming.answer()
    await call.answered()
    assert told_nothing_of(incoming, anna.number, "Anna")
    await call.hangup()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["direction"], cdr["trunk_id"]) == ("outbound", way.trunk)
    assert (cdr["callee_number"], cdr["callee_extension_id"]) == (extension.number, extension.id)


async def test_a_forwarded_call_shows_the_first_caller_where_the_trunk_may(pbx: Pbx) -> None:
    way = await way_out(pbx, forwarded_caller_id="original")
    anna = await phone(pbx, display_name="Anna", outbound_caller_id=CUSTOM)
    ben = await forwarding(pbx, NUMBER, outbound_caller_id=OWN, display_name="Ben")
    call = await anna.invite(ben.number)
    incoming = await way.carrier.expect_invite()
    assert identity(incoming) == (CUSTOM, "Anna", "")
    assert incoming.diversion == (OWN, "unconditional")
    assert told_nothing_of(incoming, anna.number)
    await call.hangup()


async def test_the_last_of_two_forwards_pays_and_is_named(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    carla = await forwarding(pbx, NUMBER, outbound_caller_id=CUSTOM)
    ben = await forwarding(pbx, carla.number, outbound_caller_id=OWN, allow_mobile=False)
    call = await anna.invite(ben.number)
    incoming = await way.carrier.expect_invite()
    assert (incoming.sender.user, incoming.diversion) == (CUSTOM, (CUSTOM, "unconditional"))
    await call.hangup()


async def from_outside(pbx: Pbx, **columns: Any) -> tuple[Way, Way]:
    """Have calls from one carrier for a number of ours forwarded to another by an extension."""
    out = await way_out(pbx, **columns)
    came = await carrier(pbx)
    way_in = Way(came, await trunk(pbx, came))
    ben = await forwarding(pbx, NUMBER, outbound_caller_id=OWN, display_name="Ben")
    await inbound(pbx, MAIN, ben.id)
    return way_in, out


@pytest.mark.parametrize(
    ("mode", "number", "name"), [("own", OWN, "Ben"), ("original", "CALLER", "Otto")]
)
async def test_a_call_from_outside_that_is_forwarded(
    pbx: Pbx, mode: str, number: str, name: str
) -> None:
    way_in, out = await from_outside(pbx, forwarded_caller_id=mode)
    caller = f"+4930{next(NUMBERS)}"
    call = await way_in.carrier.call(MAIN, caller=caller, name="Otto")
    incoming = await out.carrier.expect_invite()
    assert identity(incoming) == (number.replace("CALLER", caller), name, "")
    assert incoming.diversion == (OWN, "unconditional")
    await incoming.answer()
    await call.answered()
    assert told_nothing_of(call, NUMBER)
    await call.hangup()
    cdr = await pbx.cdr(caller)
    assert (cdr["direction"], cdr["trunk_id"]) == ("inbound", way_in.trunk)


@pytest.mark.parametrize("mode", ["own", "original"])
async def test_a_withheld_number_stays_withheld(pbx: Pbx, mode: str) -> None:
    way_in, out = await from_outside(pbx, forwarded_caller_id=mode)
    for withholding in WITHHOLDING:
        call = await way_in.carrier.call(MAIN, **withholding)
        incoming = await out.carrier.expect_invite()
        assert withheld(incoming) == (OWN if mode == "own" else "anonymous"), withholding
        assert told_nothing_of(incoming, "Otto", CALLER)
        await call.hangup()
        await incoming.ended()


async def test_an_anonymous_call_to_somebody_in_the_house(pbx: Pbx) -> None:
    anna, ben = await phone(pbx, display_name="Anna"), await phone(pbx)
    call = await anna.invite(f"*31{ben.number}")
    incoming = await ben.expect_invite()
    assert told_nothing_of(incoming, anna.number, "Anna")
    await incoming.answer()
    await call.answered()
    assert told_nothing_of(incoming, anna.number, "Anna")
    await call.hangup()


@pytest.mark.parametrize("mode", ["own", "original"])
async def test_an_anonymous_call_that_is_forwarded(pbx: Pbx, mode: str) -> None:
    way = await way_out(pbx, forwarded_caller_id=mode)
    anna = await phone(pbx, display_name="Anna", outbound_caller_id=CUSTOM)
    ben = await forwarding(pbx, NUMBER, outbound_caller_id=OWN)
    call = await anna.invite(f"*31{ben.number}")
    incoming = await way.carrier.expect_invite()
    assert withheld(incoming) == (OWN if mode == "own" else CUSTOM)
    assert incoming.diversion == (OWN, "unconditional")
    await call.hangup()
