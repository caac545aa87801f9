"""Where calls from outside end: at phones, at another carrier, or with the true answer."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from tests.support import tones
from tests.support.carrier import Carrier

from .conversation import hear_each_other
from .incoming import noted, number, problem, reaches, refused, rings, talk
from .outside import carrier, inbound, outbound, setting, trunk
from .pbx import Pbx

PHONE_SAYS = [
    (486, 486, "busy"),
    (603, 603, "rejected"),
    (480, 480, "unavailable"),
    (404, 480, "unavailable"),
    (503, 503, "congestion"),
]


async def test_the_carrier_is_told_what_the_phone_said(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    for code, answered_with, cause in PHONE_SAYS:
        caller = number()
        call, incoming = await rings(telekom, ben, did, caller=caller)
        incoming.reject(code)
        assert (await call.final()).code == answered_with
        assert (await pbx.cdr(caller))["hangup_cause"] == cause


@pytest.mark.parametrize(
    ("columns", "code", "cause"),
    [
        ({}, 480, "unavailable"),
        ({"dnd_enabled": True}, 486, "busy"),
        ({"status": "inactive"}, 480, "unavailable"),
        ({"max_concurrent_calls": 0}, 486, "busy"),
    ],
    ids=["unregistered", "dnd", "inactive", "limit"],
)
async def test_the_carrier_is_told_what_the_row_says(
    pbx: Pbx, columns: dict[str, object], code: int, cause: str
) -> None:
    telekom, extension = await carrier(pbx), await pbx.extension(**columns)
    did = number()
    await inbound(pbx, did, extension.id)
    await trunk(pbx, telekom)
    assert (await refused(pbx, telekom, did, code))["hangup_cause"] == cause


async def test_nobody_answers(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did, caller = number(), number()
    await setting(pbx, "calls.default_ring_seconds", 1)
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call, incoming = await rings(telekom, ben, did, caller=caller)
    assert (await call.final()).code == 480
    await incoming.ended()
    assert incoming.is_cancelled
    assert (await pbx.cdr(caller))["hangup_cause"] == "no_answer"


async def test_a_trunk_is_full(pbx: Pbx) -> None:
    """The call that is there goes on, and when it is over the next one may come."""
    telekom, (ben, anna) = await carrier(pbx), await pbx.phones(2)
    did, other = number(), number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await inbound(pbx, other, pbx.extensions[1].id)
    await trunk(pbx, telekom, max_concurrent_calls=1)
    call, incoming = await talk(telekom, ben, did)
    cdr = await refused(pbx, telekom, other, 503)
    assert cdr["hangup_cause"] == "congestion"
    assert "trunk_limit" in (await noted(pbx, cdr, "refused"))["details"]
    await hear_each_other(call, incoming)
    await call.hangup()
    await pbx.quiet()
    await reaches(telekom, anna, other)


async def test_the_extension_that_a_rule_names_is_deleted(pbx: Pbx) -> None:
    telekom, extension = await carrier(pbx), await pbx.extension()
    did = number()
    await inbound(pbx, did, extension.id)
    await trunk(pbx, telekom)
    await pbx.change(extension, deleted_at=datetime.now(UTC))
    assert (await refused(pbx, telekom, did, 404))["hangup_cause"] == "unallocated_number"


async def test_early_media_of_a_phone_is_heard_outside(pbx: Pbx) -> None:
    telekom, (ben,) = await carrier(pbx), await pbx.phones(1)
    did = number()
    await inbound(pbx, did, pbx.extensions[0].id)
    await trunk(pbx, telekom)
    call = await telekom.call(did)
    incoming = await ben.expect_invite()
    await incoming.progress()
    incoming.say(700)
    await call.early_media()
    await call.hears(700)
    incoming.reject(486)
    assert (await call.final()).code == 486


async def test_out_again_over_another_carrier(pbx: Pbx) -> None:
    telekom, mobile = await carrier(pbx), await carrier(pbx)
    did, caller, cell = number(), number(), number().replace("+49", "0")
    way_in = await trunk(pbx, telekom)
    way_out = await trunk(pbx, mobile, default_caller_id="+4930230000")
    await inbound(pbx, did, cell, name="to the cell phone")
    await outbound(pbx, f"^{cell}$", way_out, caller_id_mode="trunk", priority=1)
    call = await telekom.call(did, caller=caller)
    incoming = await mobile.expect_invite()
    assert (incoming.dialled, incoming.caller_number) == (cell, "+4930230000")
    assert incoming.diversion
    assert incoming.diversion.reason == "unconditional"
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(caller)
    assert (cdr["direction"], cdr["trunk_id"], cdr["callee_number"]) == ("inbound", way_in, did)
    assert cdr["hangup_cause"] == "normal_clearing"


async def unbuilt(pbx: Pbx, kind: str) -> uuid.UUID:
    """Insert a row of a kind that has no story yet."""
    return await pbx.insert(f"{kind}s", name=f"{kind} {number()}")


async def hears_an_announcement(telekom: Carrier, did: str, caller: str) -> None:
    call = await telekom.call(did, caller=caller)
    await call.early_media()
    assert (await call.final(within=15.0)).code == 501
    assert not tones.is_silent(call.heard)


async def test_what_is_not_built_yet_is_announced_and_listed(pbx: Pbx) -> None:
    telekom, callers, rules = await carrier(pbx), {}, {}
    for kind in ("conference",):
        did, target = number(), await unbuilt(pbx, kind)
        callers[did] = number()
        rules[kind] = await inbound(pbx, did, target, destination_type=kind)
    await trunk(pbx, telekom)
    await asyncio.gather(*(hears_an_announcement(telekom, *call) for call in callers.items()))
    for caller in callers.values():
        cdr = await pbx.cdr(caller)
        assert (cdr["hangup_cause"], cdr["answered_at"]) == ("not_implemented", None)
        assert (await pbx.timeline(cdr["call_id"]))[-3:] == ["refused", "announced", "ended"]
    for kind, rule in rules.items():
        assert f"calls for a {kind} end with an announcement" in await problem(pbx, rule)
