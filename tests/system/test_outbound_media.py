"""What both sides of a call to the outside hear, before the answer and after it."""

import pytest

from tests.support import tones
from tests.support.dialog import Dialog
from tests.support.until import until

from .conversation import hear_each_other
from .outgoing import NUMBER, dial_out, phone, talk_out, way_out
from .pbx import Pbx


async def test_early_media_is_heard_without_an_answer(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    await incoming.progress()
    incoming.say(425)
    await call.early_media()
    await call.hears(425)
    call.say(440)
    await incoming.hears(440)
    row = await pbx.row(anna.number)
    assert row is not None
    assert (row["state"], row["answered_at"]) == ("initiated", None)
    incoming.say(0)
    await incoming.answer()
    await call.answered()
    await pbx.in_state(anna.number, "answered")
    await hear_each_other(call, incoming)
    await call.hangup()


async def test_an_announcement_then_404(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    await incoming.progress()
    incoming.say(950)
    await call.early_media()
    await call.hears(950)
    incoming.reject(404)
    assert (await call.final()).code == 404
    cdr = await pbx.cdr(anna.number)
    assert (cdr["hangup_cause"], cdr["answered_at"]) == ("unallocated_number", None)
    assert (cdr["duration_seconds"], cdr["billable_seconds"]) == (0, 0)


@pytest.mark.parametrize("first", [180, 183])
async def test_ringing_and_early_media_in_any_order(pbx: Pbx, first: int) -> None:
    """The tone stays when a 180 comes after the 183."""
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    if first == 180:
        incoming.ring()
        await call.ringing()
    await incoming.progress()
    incoming.say(425)
    await call.early_media()
    await call.hears(425)
    if first == 183:
        incoming.ring()
        await pbx.in_state(anna.number, "ringing")
    await call.hears(425)
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()


async def test_ringing_with_audio_in_the_180(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    await incoming.progress(code=180)
    incoming.say(425)
    await call.early_media()
    await call.hears(425)
    await pbx.in_state(anna.number, "ringing")
    await call.hangup()
    await incoming.ended()
    assert incoming.is_cancelled
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "cancel"


async def test_a_180_alone_rings(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, way)
    incoming.ring()
    await call.ringing()
    row = await pbx.in_state(anna.number, "ringing")
    assert row["ringing_at"] is not None
    incoming.reject(486)
    assert (await call.final()).code == 486


async def hears_music(waits: Dialog) -> None:
    await until(lambda: not tones.is_silent(waits.ear.recent(0.2)), what="music on hold")


async def test_hold_by_each_side(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    for holds, waits in ((call, incoming), (incoming, call)):
        call.say(0)
        await waits.hears_nothing(0.2)
        await holds.hold()
        await pbx.in_state(anna.number, "held")
        await hears_music(waits)
        await holds.resume()
        await pbx.in_state(anna.number, "answered")
        await hear_each_other(call, incoming)
        incoming.say(0)
    await call.hangup()
    cdr = await pbx.cdr(anna.number)
    timeline = await pbx.timeline(cdr["call_id"])
    assert timeline[-5:] == ["held", "resumed", "held", "resumed", "ended"]


async def test_an_answer_without_ringing(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    assert not call.has(180)
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["ringing_at"], cdr["callee_number"]) == (None, NUMBER)


async def test_keys_pressed_reach_the_other_side(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    call, incoming = await talk_out(anna, way)
    await call.press("12#")
    await incoming.receives("12#")
    await incoming.press("*9")
    await call.receives("*9")
    await call.hangup()
