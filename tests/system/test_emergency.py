"""Calls for help: whatever stands against other calls, and while the app is away."""

from typing import Any

from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other
from .outgoing import (
    NUMBER,
    Way,
    last_cdr,
    no_other_trunks,
    phone,
    refusal,
    talk_out,
    user,
    way_out,
)
from .outside import carrier, setting, trunk
from .pbx import Pbx
from .test_restart import app_away

MAIN = "+49301000000"
FULL: dict[str, Any] = {"max_concurrent_calls": 0, "outbound_calls_per_minute": 0}
FORBIDDEN: dict[str, Any] = {
    "allow_international": False,
    "allow_mobile": False,
    "outbound_calls_per_minute": 0,
    "max_concurrent_outbound_calls": 0,
    "max_concurrent_calls": 0,
    "dnd_enabled": True,
}


async def trunk_named(pbx: Pbx, name: str, **columns: Any) -> Way:
    """Insert a trunk that no rule knows."""
    await no_other_trunks(pbx)
    one = await carrier(pbx)
    return Way(one, await trunk(pbx, one, name=name, **columns))


async def suspended(pbx: Pbx) -> RawPhone:
    """Register a phone whose user may do nothing."""
    return await phone(pbx, user_id=await user(pbx, status="suspended"), **FORBIDDEN)


async def test_with_everything_forbidden_and_full_trunks(pbx: Pbx) -> None:
    """Nobody stays unknown who calls for help."""
    way = await way_out(pbx, "^0", {"allowed_for_roles": []}, default_caller_id=MAIN, **FULL)
    anna = await suspended(pbx)
    await refusal(pbx, anna, NUMBER, 503)
    for calls, number in enumerate(("112", "110", "1-1.2", "*31112"), 2):
        call, incoming = await talk_out(anna, way, number)
        assert incoming.dialled == ("110" if number == "110" else "112")
        assert (incoming.sender.user, incoming.privacy) == (MAIN, "")
        await incoming.hangup()
        await call.ended()
        cdr = await last_cdr(pbx, anna.number, calls)
        assert (cdr["direction"], cdr["trunk_id"]) == ("outbound", way.trunk)
        assert (cdr["callee_number"], cdr["hangup_cause"]) == (number, "normal_clearing")


async def test_one_trunk_after_the_other(pbx: Pbx) -> None:
    """First those of a rule that matches, then the others, those in test at last."""
    await setting(pbx, "trunks.silent_seconds", 1)
    tested = await trunk_named(pbx, "a in test", status="testing")
    other = await trunk_named(pbx, "b other", **FULL)
    last = await trunk_named(pbx, "c other", **FULL)
    first = await way_out(pbx, "^112$", {"allowed_for_roles": []}, name="d of the rule", **FULL)
    anna = await suspended(pbx)
    call = await anna.invite("112")
    (await first.carrier.expect_invite()).reject(503)
    other.carrier.ignore("INVITE")
    (await last.carrier.expect_invite()).reject(480)
    incoming = await tested.carrier.expect_invite()
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()
    cdr = await pbx.cdr(anna.number)
    assert cdr["trunk_id"] == tested.trunk
    assert [len(way.invites) for way in (first, other, last, tested)] == [1, 1, 1, 1]


async def test_a_caller_with_a_held_call_over_the_limit(pbx: Pbx) -> None:
    way = await way_out(pbx, max_concurrent_calls=1)
    anna = await phone(pbx, max_concurrent_calls=1)
    held, _ = await talk_out(anna, way)
    await held.hold()
    await refusal(pbx, anna, NUMBER, 503)
    call, _ = await talk_out(anna, way, "112")
    await call.hangup()
    await held.hangup()


async def test_a_number_of_the_setting_is_one(pbx: Pbx) -> None:
    await setting(pbx, "numbers.emergency", ["911"])
    way = await trunk_named(pbx, "to 911", **FULL)
    anna = await suspended(pbx)
    await refusal(pbx, anna, "112", 503)
    call, incoming = await talk_out(anna, way, "911")
    assert incoming.dialled == "911"
    await call.hangup()


async def test_without_any_trunk(pbx: Pbx) -> None:
    await no_other_trunks(pbx)
    anna = await suspended(pbx)
    assert (await refusal(pbx, anna, "112", 503))["hangup_cause"] == "congestion"


async def test_while_the_app_is_away(pbx: Pbx) -> None:
    """Asterisk tries one trunk after the other by itself, and nothing but emergency numbers."""
    first = await trunk_named(pbx, "a first", **FULL)
    second = await trunk_named(pbx, "b second", **FULL)
    third = await trunk_named(pbx, "c third", **FULL)
    tested = await trunk_named(pbx, "0 in test", status="testing")
    anna = await suspended(pbx)
    first.carrier.refuse("INVITE", 503)
    second.carrier.refuse("INVITE", 403)
    async with app_away(pbx):
        call = await anna.invite("112")
        incoming = await third.carrier.expect_invite()
        assert incoming.dialled == "112"
        incoming.ring()
        await call.ringing()
        await incoming.answer()
        await call.answered()
        await hear_each_other(call, incoming)
        await call.hangup()
        await incoming.ended()
        assert [len(way.invites) for way in (first, second, third)] == [1, 1, 1]
        await until(lambda: anna.calls[call.call_id].is_over)
        other = await anna.invite(NUMBER)
        await other.early_media()
        other.cancel()
        assert (await other.final()).code == 487
    assert not tested.invites
