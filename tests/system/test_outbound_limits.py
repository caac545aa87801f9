"""max_duration_seconds: the caller is warned, then both sides are told that the call is over."""

from tests.support import tones
from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.until import until

from .outgoing import details, phone, talk_out, way_out
from .outside import setting
from .pbx import Pbx
from .test_restart import kill_app


async def is_warned(call: OutgoingCall, within: float) -> None:
    await until(lambda: not tones.is_silent(call.ear.recent(0.2)), within, "a tone")
    assert not call.is_over


async def both_are_told(call: OutgoingCall, incoming: IncomingCall, within: float) -> None:
    await call.ended(within)
    await incoming.ended()
    assert (call.bye, incoming.bye) == ("remote", "remote")


async def is_cut(pbx: Pbx, number: str, seconds: int) -> None:
    cdr = await pbx.cdr(number)
    assert seconds <= (cdr["ended_at"] - cdr["answered_at"]).total_seconds() < seconds + 1
    assert (cdr["duration_seconds"], cdr["hangup_cause"]) == (seconds, "normal_clearing")


async def test_a_call_is_cut(pbx: Pbx) -> None:
    await setting(pbx, "outbound.warn_seconds", 1)
    way = await way_out(pbx, rule={"max_duration_seconds": 2})
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    await call.hears_nothing(0.3)
    await is_warned(call, 2.0)
    assert tones.is_silent(incoming.heard)
    await both_are_told(call, incoming, 2.0)
    await is_cut(pbx, anna.number, 2)
    cdr = await pbx.cdr(anna.number)
    assert (await pbx.timeline(cdr["call_id"]))[-3:] == ["limit_nears", "limit_reached", "ended"]
    assert await details(pbx, cdr["call_id"], "limit_nears") == ['{"seconds": 1.0}']


async def test_ringing_does_not_count(pbx: Pbx) -> None:
    """Nor does a call that ends before its limit hear of it."""
    way = await way_out(pbx, rule={"max_duration_seconds": 1})
    anna, ben = await phone(pbx), await phone(pbx)
    call = await anna.invite("030")
    incoming = await way.carrier.expect_invite()
    incoming.ring()
    await call.ringing()
    other, taken = await talk_out(ben, way)
    await both_are_told(other, taken, 2.0)
    assert not call.is_over
    await incoming.answer()
    await call.answered()
    await call.hangup()
    timeline = await pbx.timeline((await pbx.cdr(anna.number))["call_id"])
    assert "limit_reached" not in timeline


async def test_the_limit_holds_when_the_app_was_killed(pbx: Pbx) -> None:
    """For calls whose time comes later, and for those whose time has come meanwhile."""
    await setting(pbx, "outbound.warn_seconds", 1)
    way = await way_out(pbx, rule={"max_duration_seconds": 8})
    short = await way_out(pbx, "^1", {"max_duration_seconds": 1})
    anna, ben = await phone(pbx), await phone(pbx)
    call, incoming = await talk_out(anna, way)
    other, taken = await talk_out(ben, short, "118")
    await pbx.in_state(anna.number, "answered")
    await pbx.in_state(ben.number, "answered")
    await kill_app(pbx)
    await both_are_told(other, taken, 6.0)
    await is_warned(call, 8.0)
    await both_are_told(call, incoming, 2.0)
    await is_cut(pbx, anna.number, 8)
    assert "adopted" in await pbx.timeline((await pbx.cdr(anna.number))["call_id"])
