"""The next trunk is tried when a trunk failed, never because of who was called."""

import pytest

from tests.support.until import until

from .outgoing import NUMBER, Way, dial_out, last_cdr, phone, refusal, talk_out, ways_out
from .outside import setting
from .pbx import Pbx

TRUNK_FAILED = [503, 500, 504, 403, 408, 480, 488]
# what the carrier says, what the caller is told, and the cause in the row
CALLEE_SAID = [
    (486, 486, "busy"),
    (600, 486, "busy"),
    (603, 603, "rejected"),
    (404, 404, "unallocated_number"),
    (604, 404, "unallocated_number"),
    (410, 410, "number_changed"),
    (484, 484, "invalid_number"),
]


async def test_the_trunk_failed(pbx: Pbx) -> None:
    first, second = await ways_out(pbx, 2)
    anna = await phone(pbx)
    for calls, code in enumerate(TRUNK_FAILED, 1):
        call, refused = await dial_out(anna, first)
        refused.reject(code)
        incoming = await second.carrier.expect_invite()
        assert incoming.dialled == NUMBER, code
        incoming.ring()
        await call.ringing()
        await incoming.answer()
        await call.answered()
        await call.hangup()
        assert not call.has(code)
        cdr = await last_cdr(pbx, anna.number, calls)
        assert (cdr["trunk_id"], cdr["hangup_cause"]) == (second.trunk, "normal_clearing")
        assert (await pbx.timeline(cdr["call_id"])).count("dialled_out") == 2


async def test_the_callee_is_the_reason(pbx: Pbx) -> None:
    first, second = await ways_out(pbx, 2)
    anna = await phone(pbx)
    for calls, (code, told, cause) in enumerate(CALLEE_SAID, 1):
        call, incoming = await dial_out(anna, first)
        incoming.reject(code)
        assert (await call.final()).code == told, code
        cdr = await last_cdr(pbx, anna.number, calls)
        assert (cdr["hangup_cause"], cdr["trunk_id"]) == (cause, first.trunk)
    assert not second.invites


@pytest.mark.parametrize("sign", [180, 183])
async def test_once_the_callee_was_reached(pbx: Pbx, sign: int) -> None:
    first, second = await ways_out(pbx, 2)
    anna = await phone(pbx)
    for code, told in ((503, 503), (480, 480), (403, 503), (486, 486)):
        call, incoming = await dial_out(anna, first)
        if sign == 183:
            await incoming.progress()
            await call.early_media()
        else:
            incoming.ring()
            await call.ringing()
        incoming.reject(code)
        assert (await call.final()).code == told, code
    await last_cdr(pbx, anna.number, 4)
    assert not second.invites


async def test_nobody_answers(pbx: Pbx) -> None:
    await setting(pbx, "outbound.ring_seconds", 1)
    first, second = await ways_out(pbx, 2)
    anna = await phone(pbx)
    call, incoming = await dial_out(anna, first)
    incoming.ring()
    assert (await call.final()).code == 480
    await incoming.ended()
    assert incoming.is_cancelled
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "no_answer"
    assert not second.invites


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((503,), 503),
        ((500,), 503),
        ((403,), 503),
        ((408,), 503),
        ((480,), 480),
        ((488,), 488),
        ((503, 488), 488),
        ((503, 480), 480),
        ((480, 503), 503),
        ((500, 403, 503), 503),
        ((503, 503, 486), 486),
    ],
)
async def test_all_trunks_fail(pbx: Pbx, codes: tuple[int, ...], told: int) -> None:
    ways = await ways_out(pbx, len(codes))
    anna = await phone(pbx)
    call = await anna.invite(NUMBER)
    for way, code in zip(ways, codes, strict=True):
        (await way.carrier.expect_invite()).reject(code)
    assert (await call.final()).code == told
    assert [len(way.invites) for way in ways] == [1] * len(codes)
    assert (await pbx.cdr(anna.number))["trunk_id"] == ways[-1].trunk


async def test_a_chain_of_three(pbx: Pbx) -> None:
    await setting(pbx, "trunks.silent_seconds", 1)
    first, second, third = await ways_out(pbx, 3)
    second.carrier.ignore("INVITE")
    anna = await phone(pbx)
    call, refused = await dial_out(anna, first)
    refused.reject(503)
    incoming = await third.carrier.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(anna.number)
    assert cdr["trunk_id"] == third.trunk
    assert [len(way.invites) for way in (first, second, third)] == [1, 1, 1]
    timeline = await pbx.timeline(cdr["call_id"])
    assert [e for e in timeline if e in ("dialled_out", "leg_failed")] == [
        "dialled_out",
        "leg_failed",
        "dialled_out",
        "leg_failed",
        "dialled_out",
    ]


async def test_a_full_trunk_is_passed_over(pbx: Pbx) -> None:
    first, second = await ways_out(pbx, 2, max_concurrent_calls=1)
    anna, ben, carla = [await phone(pbx) for _ in range(3)]
    held, _ = await talk_out(anna, first)
    other, _ = await talk_out(ben, second)
    await refusal(pbx, carla, NUMBER, 503)
    await held.hangup()
    await until(lambda: _free(pbx, first), what="the trunk to be free")
    again, _ = await talk_out(carla, first)
    await again.hangup()
    await other.hangup()


async def _free(pbx: Pbx, way: Way) -> bool:
    query = "SELECT count(*) FROM calls WHERE trunk_id = $1"
    return not await pbx.db.fetchval(query, way.trunk)
