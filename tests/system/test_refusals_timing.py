"""Hanging up at every moment, and many at once: a row for each call, and nothing is left."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.caller import OutgoingCall
from tests.support.sip import RawPhone
from tests.support.until import until

from .conversation import hear_each_other, talk
from .pbx import Pbx
from .refusals import JITTER, causes, the_next_call_works


@pytest.fixture(autouse=True)
async def next_call(pbx: Pbx) -> AsyncIterator[None]:
    yield
    await the_next_call_works(pbx)


async def trying(call: OutgoingCall) -> None:
    await until(lambda: call.has(100), 5.0, "100 Trying", every=0.0)


async def reject_all(phone: RawPhone) -> None:
    """Reject what rings and was not cancelled."""
    while phone.is_called:
        incoming = await phone.expect_invite()
        if not incoming.is_over:
            incoming.reject(486)


async def test_cancel_in_the_first_milliseconds(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2, max_concurrent_calls=100)
    for _ in range(30):
        call = await anna.invite(ben.number)
        await trying(call)
        await asyncio.sleep(JITTER.uniform(0, 0.02))
        call.cancel()
        assert (await call.final()).code == 487
    await pbx.quiet()
    assert set(await causes(pbx, anna.number, 0)) == {"cancel"}


async def test_a_call_that_was_cancelled_is_not_forwarded(pbx: Pbx) -> None:
    anna, carla = await pbx.phones(2, max_concurrent_calls=100)
    ben = await pbx.phone(
        await pbx.extension(
            max_concurrent_calls=100,
            forward_on_no_answer_enabled=True,
            forward_on_no_answer_destination=carla.number,
        )
    )
    for _ in range(20):
        call = await anna.invite(ben.number)
        await trying(call)
        await asyncio.sleep(JITTER.uniform(0, 0.02))  # at once it would not reach the app
        call.cancel()
        assert (await call.final()).code == 487
    await pbx.quiet()
    assert not carla.is_called
    assert set(await causes(pbx, anna.number, 0)) == {"cancel"}


async def test_cancel_before_any_answer(pbx: Pbx) -> None:
    """It may overtake the INVITE; then it is told so, and the phone rings."""
    anna, ben = await pbx.phones(2, max_concurrent_calls=100)
    calls = []
    for _ in range(20):
        calls.append(await anna.invite(ben.number))
        await until(lambda: calls[-1].has(401), 5.0, "the challenge", every=0.0)
        calls[-1].cancel()

    async def over() -> bool:
        await reject_all(ben)
        return all(call.is_over for call in calls)

    await until(over, 10.0, "the end of all calls")
    assert {(await call.final()).code for call in calls} <= {486, 487}
    await pbx.quiet()
    assert set(await causes(pbx, anna.number, 0)) <= {"busy", "cancel"}


@pytest.mark.parametrize("contacts", [1, 2])
async def test_cancel_meets_the_answer(pbx: Pbx, contacts: int) -> None:
    anna, extension = (await pbx.phones(1))[0], await pbx.extension()
    phones = [await pbx.phone(extension) for _ in range(contacts)]
    trials, won = 40, 0
    for _ in range(trials):
        call = await anna.invite(extension.number)
        ringing = [await phone.expect_invite() for phone in phones]
        start = JITTER.uniform(-0.006, 0.006)
        if start > 0:
            call.cancel()
        await asyncio.sleep(abs(start))
        if not ringing[0].is_cancelled:
            await ringing[0].answer()
        if start <= 0:
            call.cancel()
        if (await call.final()).code == 200:
            won += 1
            await call.hangup()
        for incoming in ringing:
            await incoming.ended()
    ended = await causes(pbx, anna.number, trials)
    assert sum(ended.values()) == trials
    assert set(ended) <= {"cancel", "normal_clearing"}
    assert ended.get("normal_clearing", 0) >= won


async def test_cancel_after_the_answer_is_too_late(pbx: Pbx) -> None:
    call, incoming = await talk(*await pbx.phones(2))
    assert (await call.cancel().final()).code == 481
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()


async def test_bye_of_the_caller_instead_of_ack(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    anna.acknowledges = False
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    await incoming.answer()
    await call.answered()
    assert (await call.send_bye().final()).code == 200
    await incoming.ended()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


async def test_bye_of_the_callee_right_behind_its_answer(pbx: Pbx) -> None:
    """A BYE that overtakes the answer is unknown (481), and is said again."""
    anna, ben = await pbx.phones(2)
    for _ in range(10):
        call = await anna.invite(ben.number)
        incoming = await ben.expect_invite()
        await incoming.answer()
        while (await incoming.send_bye().final()).code == 481:
            pass
        await call.ended()
    assert await causes(pbx, anna.number, 10) == {"normal_clearing": 10}


async def test_bye_of_the_caller_while_it_rings(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    assert (await call.send_bye().final()).code == 200
    assert (await call.final()).code == 487
    await incoming.ended()
    assert incoming.is_cancelled
    assert await causes(pbx, anna.number, 1) == {"cancel": 1}


async def test_bye_of_the_callee_while_it_rings(pbx: Pbx) -> None:
    """Nobody has talked, so it is no normal clearing."""
    anna, ben = await pbx.phones(2)
    call = await anna.invite(ben.number)
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    assert (await incoming.send_bye().final()).code == 200
    assert (await call.final()).code in (480, 603)
    assert set(await causes(pbx, anna.number, 1)) <= {"unavailable", "rejected"}


async def test_bye_of_both_at_once(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    for _ in range(10):
        call, incoming = await talk(anna, ben)
        byes = call.send_bye(), incoming.send_bye()
        assert [(await bye.final()).code for bye in byes] == [200, 200]
    assert await causes(pbx, anna.number, 10) == {"normal_clearing": 10}


async def test_both_hold_at_once(pbx: Pbx) -> None:
    """Their re-INVITEs meet others on the way (491), and are sent again."""
    anna, ben = await pbx.phones(2)
    call, incoming = await talk(anna, ben)
    await asyncio.gather(call.hold(), incoming.hold())
    await pbx.in_state(anna.number, "held")
    await asyncio.gather(call.resume(), incoming.resume())
    await pbx.in_state(anna.number, "answered")
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


async def test_a_second_reinvite_before_the_first_is_over(pbx: Pbx) -> None:
    call, incoming = await talk(*await pbx.phones(2))
    offers = [call.send("INVITE", body=call.invite.body) for _ in range(2)]
    codes = [(await offer.final()).code for offer in offers]
    assert codes[0] == 200
    assert codes[1] in (491, 500)
    call.phone.send_once(call.compose("ACK", offers[0].request.sequence))
    await hear_each_other(call, incoming)
    await call.hangup()
    await incoming.ended()


async def test_thirty_callers_of_an_extension_that_takes_two(pbx: Pbx) -> None:
    (ben,) = await pbx.phones(1, max_concurrent_calls=2)
    callers = await pbx.phones(30)
    calls = await asyncio.gather(*(caller.invite(ben.number) for caller in callers))
    ringing = [await ben.expect_invite() for _ in range(2)]
    for incoming in ringing:
        incoming.ring()
    await until(lambda: sum(call.is_over for call in calls) == 28, 10.0, "28 refusals")
    assert not ben.is_called
    for incoming in ringing:
        await incoming.answer()
    lucky = [call for call in calls if not call.is_over]
    for call in lucky:
        await call.answered()
        await call.hangup()
    assert {(await call.final()).code for call in calls if call not in lucky} == {486}
    rows = [await causes(pbx, caller.number, 1) for caller in callers]
    assert rows.count({"busy": 1}) == 28
    assert rows.count({"normal_clearing": 1}) == 2


async def test_a_refused_call_leaves_at_once(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    assert (await (await anna.invite("99887766")).final()).code == 404
    await pbx.cdr(anna.number, within=1.0)
    assert await pbx.row(anna.number) is None
