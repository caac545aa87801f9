"""Nobody calls outside who may not: not directly, and not through somebody else's row."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.until import until

from .outgoing import (
    ABROAD,
    MOBILE,
    NUMBER,
    Way,
    details,
    dial_out,
    forwarding,
    last_cdr,
    phone,
    refusal,
    user,
    way_out,
)
from .outside import carrier, change, inbound, trunk
from .pbx import NUMBERS, Extension, Pbx

AT_HOME: dict[str, Any] = {"allow_international": False, "allow_mobile": False}
DID = "+49301000000"
CLOSED_TO_THEM = [
    ABROAD,
    "+442079460018",
    "00%2044-20/7946.0018",
    "+44%20(20)%2079460018",
    "00442079460018%23",
    "0044*2079460018",
    "00442079460018999999",
    f"*31{ABROAD}",
    "7442079460018",
    "+447700900123",
    "+18005550199",
    "+88213123456",
    MOBILE,
    "+4917139200001",
    "004917139200001",
    "0171/39200001",
    "+49(0)171-39200001",
    f"{MOBILE}%23",
    f"*31{MOBILE}",
    "717139200001",
]


async def test_numbers_that_an_extension_may_not_call(pbx: Pbx) -> None:
    """However they are written: with separators, a code, what a rule adds, or keys at the end."""
    way = await way_out(pbx)
    nothing = await way_out(pbx, "^74", {"strip_digits": 1, "prepend": "00"})
    mobile = await way_out(pbx, "^71", {"strip_digits": 1, "prepend": "0"})
    anna = await phone(pbx, **AT_HOME)
    for calls, number in enumerate(CLOSED_TO_THEM, 1):
        call = await anna.invite(number)
        assert (await call.final()).code == 403, number
        cdr = await last_cdr(pbx, anna.number, calls)
        assert (cdr["hangup_cause"], cdr["direction"]) == ("forbidden", "internal")
    _, allowed = await dial_out(anna, way)
    assert allowed.dialled == NUMBER
    assert [len(one.invites) for one in (way, nothing, mobile)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("rights", "number"),
    [
        ({"allow_international": False}, MOBILE),
        ({"allow_mobile": False}, ABROAD),
        (AT_HOME, NUMBER),
        ({}, ABROAD),
    ],
)
async def test_each_right_stands_for_itself(pbx: Pbx, rights: dict[str, bool], number: str) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx, **rights)
    _, incoming = await dial_out(anna, way, number)
    assert incoming.dialled == number


@pytest.mark.parametrize("number", [ABROAD, MOBILE])
async def test_who_forwards_pays(pbx: Pbx, number: str) -> None:
    """Neither may Anna use Ben's rights by chance, nor does Ben need hers."""
    way = await way_out(pbx)
    anna, carla = await phone(pbx), await phone(pbx, **AT_HOME)
    poor = await forwarding(pbx, number, **AT_HOME)
    rich = await forwarding(pbx, number)
    cdr = await refusal(pbx, anna, poor.number, 403)
    assert cdr["hangup_cause"] == "forbidden"
    assert not way.invites
    call = await carla.invite(rich.number)
    incoming = await way.carrier.expect_invite()
    incoming.reject(486)
    assert (await call.final()).code == 486


@pytest.mark.parametrize("forward", ["on_busy", "on_no_answer"])
async def test_forwards_after_the_phone_has_rung(pbx: Pbx, forward: str) -> None:
    way = await way_out(pbx)
    anna = await phone(pbx)
    ben = await phone(
        pbx,
        **AT_HOME,
        **{f"forward_{forward}_enabled": True, f"forward_{forward}_destination": ABROAD},
    )
    call = await anna.invite(ben.number)
    (await ben.expect_invite()).reject(486 if forward == "on_busy" else 480)
    assert (await call.final()).code == 403
    assert not way.invites


async def test_a_phone_that_redirects_a_call_calls_nobody(pbx: Pbx) -> None:
    way = await way_out(pbx)
    anna, ben = await phone(pbx), await phone(pbx)
    call = await anna.invite(ben.number)
    target = [("Contact", f"<sip:{ABROAD}@{way.carrier.link.sent_by}>")]
    (await ben.expect_invite()).reject(302, headers=target)
    assert (await call.final()).code == 480
    assert not way.invites


async def from_outside(pbx: Pbx, target: Extension | str) -> Way:
    """Have a number of ours lead to an extension or to a number outside."""
    came = await carrier(pbx)
    way = Way(came, await trunk(pbx, came))
    await inbound(pbx, DID, target if isinstance(target, str) else target.id)
    return way


@pytest.mark.parametrize("number", [ABROAD, MOBILE])
async def test_who_calls_from_outside_gets_out_by_nobodys_rights(pbx: Pbx, number: str) -> None:
    out = await way_out(pbx)
    way_in = await from_outside(pbx, await forwarding(pbx, number, **AT_HOME))
    call = await way_in.carrier.call(DID, caller=f"+4930{next(NUMBERS)}")
    assert (await call.final()).code == 403
    for did in (number, NUMBER, f"*31{number}", "112"):
        call = await way_in.carrier.call(did)
        assert (await call.final()).code == 404
    assert not out.invites


async def test_a_row_that_names_an_outside_number_is_a_permission(pbx: Pbx) -> None:
    out = await way_out(pbx, default_caller_id=DID)
    way_in = await from_outside(pbx, ABROAD)
    call = await way_in.carrier.call(DID)
    incoming = await out.carrier.expect_invite()
    assert incoming.dialled == ABROAD
    await incoming.answer()
    await call.answered()
    await call.hangup()
    await incoming.ended()


@pytest.mark.parametrize("status", ["suspended", "inactive", "deleted"])
async def test_users_who_may_not_call_out(pbx: Pbx, status: str) -> None:
    way = await way_out(pbx)
    owner = await user(pbx)
    anna, ben = await phone(pbx, user_id=owner), await phone(pbx)
    deleted: dict[str, Any] = {"deleted_at": datetime.now(UTC)}
    await change(pbx, "users", owner, **(deleted if status == "deleted" else {"status": status}))
    cdr = await refusal(pbx, anna, NUMBER, 403)
    assert cdr["hangup_cause"] == "forbidden"
    assert not way.invites
    call = await anna.invite(ben.number)
    (await ben.expect_invite()).reject(486)
    assert (await call.final()).code == 486


@pytest.mark.parametrize(
    ("roles", "role", "code"),
    [
        (["admin", "agent"], "user", 403),
        (["admin", "agent"], None, 403),
        (["admin", "agent"], "agent", 486),
        (["user"], None, 486),
        ([], "admin", 403),
    ],
)
async def test_roles(pbx: Pbx, roles: list[str], role: str | None, code: int) -> None:
    """An extension without a user has the role user."""
    way = await way_out(pbx, rule={"allowed_for_roles": roles})
    way.carrier.refuse("INVITE", 486)
    anna = await phone(pbx, user_id=await user(pbx, role) if role else None)
    cdr = await refusal(pbx, anna, NUMBER, code)
    assert len(way.invites) == (code == 486)
    if code == 403:
        (refused,) = await until(lambda: details(pbx, cdr["call_id"], "refused"))
        assert '"reason": "role"' in refused
