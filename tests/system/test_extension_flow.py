"""What a caller of an extension lives through, in the order of the flow."""

import pytest

from tests.support.sip import RawPhone

from .conversation import talk
from .pbx import Pbx


async def refused(pbx: Pbx, caller: RawPhone, number: str, code: int) -> str:
    """Dial, expect the SIP answer, and return the cause that the call's row has."""
    call = await caller.invite(number)
    answer = await call.final()
    assert answer.code == code, answer
    cdr = await pbx.cdr(caller.number)
    assert (cdr["answered_at"], cdr["duration_seconds"], cdr["billable_seconds"]) == (None, 0, 0)
    return str(cdr["hangup_cause"])


@pytest.mark.parametrize(
    ("code", "answered_with", "cause"),
    [
        (486, 486, "busy"),
        (600, 486, "busy"),
        (603, 603, "rejected"),
        (480, 480, "unavailable"),
        (404, 480, "unavailable"),
        (488, 488, "not_acceptable"),
        (503, 503, "congestion"),
        (500, 500, "failure"),
    ],
)
async def test_the_phones_answer_is_told(
    pbx: Pbx, code: int, answered_with: int, cause: str
) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.reject(code)
    assert (await call.final()).code == answered_with
    assert (await pbx.cdr(anna.number))["hangup_cause"] == cause


async def test_a_number_that_nobody_has(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    assert await refused(pbx, anna, "99887766", 404) == "unallocated_number"


async def test_a_deleted_extension_does_not_exist(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    ben = await pbx.extension()
    await pbx.db.execute("UPDATE extensions SET deleted_at = now() WHERE id = $1", ben.id)
    assert await refused(pbx, anna, ben.number, 404) == "unallocated_number"


async def test_an_inactive_extension_is_unavailable(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    await pbx.change(pbx.extensions[1], status="inactive")
    assert await refused(pbx, anna, ben.number, 480) == "unavailable"


async def test_nobody_calls_oneself(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    assert await refused(pbx, anna, anna.number, 486) == "busy"


async def test_without_a_phone(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    ben = await pbx.extension()
    assert await refused(pbx, anna, ben.number, 480) == "unavailable"


async def test_do_not_disturb(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    await pbx.change(pbx.extensions[1], dnd_enabled=True)
    assert await refused(pbx, anna, ben.number, 486) == "busy"


async def test_no_answer_in_time(pbx: Pbx) -> None:
    anna, carla = await pbx.phones(2)
    ben = await pbx.phone(
        await pbx.extension(
            forward_on_no_answer_enabled=True,
            forward_on_no_answer_destination=carla.number,
            forward_on_no_answer_timeout=1,
        )
    )
    call = await anna.invite(ben.number)
    unanswered = await ben.expect_invite()
    unanswered.ring()
    incoming = await carla.expect_invite()
    await unanswered.ended()
    assert unanswered.is_cancelled
    assert incoming.caller_number == anna.number
    await incoming.answer()
    await call.answered()
    call.say(500)
    await incoming.hears(500)
    await incoming.hangup()
    await call.ended()
    cdr = await pbx.cdr(anna.number)
    assert cdr["callee_number"] == ben.number
    assert cdr["callee_extension_id"] == pbx.extensions[1].id
    assert await pbx.timeline(cdr["call_id"]) == [
        "arrived",
        "offered",
        "rang",
        "forwarded",
        "offered",
        "answered",
        "hung_up",
        "ended",
    ]


@pytest.mark.parametrize(
    "why",
    [
        {"forward_unconditional_enabled": True, "forward_unconditional_destination": "TO"},
        {
            "dnd_enabled": True,
            "forward_on_busy_enabled": True,
            "forward_on_busy_destination": "TO",
        },
        {
            "max_concurrent_calls": 0,
            "forward_on_busy_enabled": True,
            "forward_on_busy_destination": " TO ",
        },
        {"forward_on_no_answer_enabled": True, "forward_on_no_answer_destination": "TO"},
    ],
    ids=["unconditional", "dnd", "limit", "unregistered"],
)
async def test_forwards_without_ringing(pbx: Pbx, why: dict[str, object]) -> None:
    anna, carla = await pbx.phones(2)
    ben = await pbx.extension()
    columns = {
        name: value.replace("TO", carla.number) if isinstance(value, str) else value
        for name, value in why.items()
    }
    await pbx.change(ben, **columns)
    call = await anna.invite(ben.number)
    incoming = await carla.expect_invite()
    assert incoming.caller_number == anna.number
    await incoming.answer()
    await call.answered()
    await call.hangup()


async def test_busy_forward_after_the_phone_said_busy(pbx: Pbx) -> None:
    anna, ben, carla = await pbx.phones(3)
    await pbx.change(
        pbx.extensions[1], forward_on_busy_enabled=True, forward_on_busy_destination=carla.number
    )
    call = await anna.invite(ben.number)
    (await ben.expect_invite()).reject(486)
    await (await carla.expect_invite()).answer()
    await call.answered()
    await call.hangup()


async def test_a_ring_of_forwards_ends(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    ben, carla = await pbx.extension(), await pbx.extension()
    for one, other in ((ben, carla), (carla, ben)):
        await pbx.change(
            one,
            forward_unconditional_enabled=True,
            forward_unconditional_destination=other.number,
        )
    assert await refused(pbx, anna, ben.number, 480) == "loop_detected"
    timeline = await pbx.timeline((await pbx.cdr(anna.number))["call_id"])
    assert timeline.count("forwarded") == 11


async def test_a_forward_without_destination_is_ignored(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    await pbx.change(pbx.extensions[1], forward_unconditional_enabled=True)
    call, _ = await talk(anna, ben)
    await call.hangup()
    cdr = await pbx.cdr(anna.number)
    assert "config_ignored" in await pbx.timeline(cdr["call_id"])


async def test_the_limit_counts_both_directions(pbx: Pbx) -> None:
    anna, ben, carla = await pbx.phones(3, max_concurrent_calls=1)
    first, _ = await talk(anna, ben)
    assert await refused(pbx, carla, ben.number, 486) == "busy"
    assert await refused(pbx, anna, carla.number, 503) == "congestion"
    await first.hangup()
    await pbx.quiet()
    again, _ = await talk(carla, ben)
    await again.hangup()


async def test_all_phones_of_an_extension_ring_and_one_wins(pbx: Pbx) -> None:
    anna = await pbx.phone(await pbx.extension())
    extension = await pbx.extension(display_name="Ben")
    desk, mobile, home = [await pbx.phone(extension) for _ in range(3)]
    call = await anna.invite(extension.number)
    ringing = [await phone.expect_invite() for phone in (desk, mobile, home)]
    for incoming in ringing:
        incoming.ring()
    await call.ringing()
    await ringing[1].answer()
    await call.answered()
    for loser in (ringing[0], ringing[2]):
        await loser.ended()
        assert loser.is_cancelled
        assert "Call completed elsewhere" in (loser.reason or "")
    assert (call.shown.name, call.shown.user) == ("Ben", extension.number)
    call.say(440)
    ringing[1].say(660)
    await ringing[1].hears(440)
    await call.hears(660)
    await ringing[1].hangup()
    await call.ended()
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "normal_clearing"


async def test_one_of_several_phones_is_busy_and_the_other_answers(pbx: Pbx) -> None:
    anna = await pbx.phone(await pbx.extension())
    extension = await pbx.extension()
    desk, mobile = [await pbx.phone(extension) for _ in range(2)]
    call = await anna.invite(extension.number)
    (await desk.expect_invite()).reject(486)
    incoming = await mobile.expect_invite()
    await incoming.answer()
    await call.answered()
    await call.hangup()


async def test_early_media_is_heard_before_the_answer(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    await incoming.progress()
    incoming.say(700)
    await call.early_media()
    await call.hears(700)
    incoming.reject(486)
    assert (await call.final()).code == 486


async def test_names_and_numbers_on_both_displays(pbx: Pbx) -> None:
    anna = await pbx.phone(await pbx.extension(display_name="Anna Ärmel"))
    ben = await pbx.phone(await pbx.extension(display_name='Ben "the" <Boss>'))
    call = await anna.invite(ben.number, display_name="Someone Else")
    incoming = await ben.expect_invite()
    assert (incoming.caller_name, incoming.caller_number) == ("Anna Ärmel", anna.number)
    await incoming.answer()
    await call.answered()
    assert (call.shown.name, call.shown.user) == ("Ben the Boss", ben.number)
    await call.hangup()
    cdr = await pbx.cdr(anna.number)
    assert (cdr["caller_name"], cdr["callee_name"]) == ("Anna Ärmel", 'Ben "the" <Boss>')


async def test_hold_is_seen_and_heard(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await incoming.hold()
    await pbx.in_state(anna.number, "held")
    await incoming.resume()
    await pbx.in_state(anna.number, "answered")
    incoming.say(440)
    await call.hears(440)
    await call.hangup()
    timeline = await pbx.timeline((await pbx.cdr(anna.number))["call_id"])
    assert timeline[-3:] == ["held", "resumed", "ended"]


async def test_the_caller_gives_up(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    await call.hangup()
    await incoming.ended()
    assert incoming.is_cancelled
    assert (await pbx.cdr(anna.number))["hangup_cause"] == "cancel"
