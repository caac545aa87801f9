"""Two phones talk, and the call is a row."""

from .conversation import hear_each_other
from .pbx import Pbx


async def test_a_call_is_heard_by_both_and_becomes_a_row(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    await pbx.in_state(anna.number, "ringing")
    await incoming.answer()
    await call.answered()
    await pbx.in_state(anna.number, "answered")
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()

    cdr = await pbx.cdr(anna.number)
    assert (cdr["direction"], cdr["callee_number"]) == ("internal", ben.number)
    assert cdr["hangup_cause"] == "normal_clearing"
    assert cdr["initiated_at"] <= cdr["ringing_at"] <= cdr["answered_at"] <= cdr["ended_at"]
    assert await pbx.timeline(cdr["call_id"]) == ["arrived", "offered", "rang", "answered", "ended"]
