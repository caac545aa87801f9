"""A trunk in status testing: no rule uses it, an admin reaches it with *89<code>*<number>."""

from tests.support.sip import RawPhone

from .outgoing import (
    ABROAD,
    NUMBER,
    dial_out,
    last_cdr,
    phone,
    refusal,
    talk_out,
    user,
    ways_out,
)
from .outside import change
from .pbx import Pbx


async def admin(pbx: Pbx) -> RawPhone:
    return await phone(pbx, user_id=await user(pbx, "admin"))


async def test_a_trunk_in_test(pbx: Pbx) -> None:
    tested, backup = await ways_out(pbx, 2)
    await change(pbx, "trunks", tested.trunk, status="testing", test_code="7")
    anna = await admin(pbx)
    _, incoming = await dial_out(anna, backup)
    incoming.reject(486)
    assert not tested.invites
    call, incoming = await talk_out(anna, tested, f"*897*{NUMBER}")
    assert incoming.dialled == NUMBER
    await call.hangup()
    cdr = await last_cdr(pbx, anna.number, 2)
    assert (cdr["callee_number"], cdr["trunk_id"]) == (f"*897*{NUMBER}", tested.trunk)
    assert cdr["direction"] == "outbound"


async def test_the_result_of_a_test_is_told(pbx: Pbx) -> None:
    """No other trunk takes the call."""
    tested, backup = await ways_out(pbx, 2, status="testing")
    await change(pbx, "trunks", tested.trunk, test_code="7")
    anna = await admin(pbx)
    call, incoming = await dial_out(anna, tested, f"*897*{NUMBER}")
    incoming.reject(503)
    assert (await call.final()).code == 503
    assert not backup.invites
    await refusal(pbx, anna, NUMBER, 503)
    assert len(tested.invites) == 1


async def test_others_may_not(pbx: Pbx) -> None:
    (tested,) = await ways_out(pbx, 1, status="testing", test_code="7")
    for role in (None, "user", "agent", "supervisor"):
        anna = await phone(pbx, user_id=await user(pbx, role) if role else None)
        assert (await refusal(pbx, anna, f"*897*{NUMBER}", 403))["hangup_cause"] == "forbidden"
    assert not tested.invites


async def test_codes_that_no_trunk_has(pbx: Pbx) -> None:
    tested, inactive = await ways_out(pbx, 2, status="testing")
    await change(pbx, "trunks", inactive.trunk, status="inactive", test_code="8")
    anna = await admin(pbx)
    for code in (f"*898*{NUMBER}", f"*899*{NUMBER}", "*898*", "*89"):
        await refusal(pbx, anna, code, 404)
        await pbx.quiet()
    assert not tested.invites + inactive.invites


async def test_the_toll_guard_holds_for_tests_too(pbx: Pbx) -> None:
    (tested,) = await ways_out(pbx, 1, status="testing", test_code="7")
    anna = await phone(pbx, user_id=await user(pbx, "admin"), allow_international=False)
    await refusal(pbx, anna, f"*897*{ABROAD}", 403)
    assert not tested.invites
