"""baresip phones against a raw phone that plays the exchange."""

from collections.abc import AsyncIterator

import pytest
from baresip import RegistrationError

from .callee import IncomingCall
from .phonecall import Call
from .phones import Line, Phone, phones
from .sip import RawPhone
from .until import until
from .words import CallEndedError

ANNA, BEN = 440.0, 1000.0


@pytest.fixture
async def exchange() -> AsyncIterator[RawPhone]:
    async with RawPhone("exchange", "", "") as phone:
        phone.answers["REGISTER"] = 200
        yield phone


@pytest.fixture
async def line(exchange: RawPhone) -> AsyncIterator[Line]:
    async with phones() as line:
        yield line


@pytest.fixture
async def anna(line: Line, exchange: RawPhone) -> Phone:
    return await line.register("1001", "secret", server=exchange.link.sent_by)


async def talk(anna: Phone, exchange: RawPhone) -> tuple[Call, IncomingCall]:
    call = await anna.dial("1002")
    incoming = await exchange.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


async def test_a_call_with_audio_digits_and_hold(anna: Phone, exchange: RawPhone) -> None:
    call, incoming = await talk(anna, exchange)
    call.say(ANNA)
    incoming.say(BEN)
    await incoming.hears(ANNA)
    await call.hears(BEN)
    await call.send_dtmf("12#")
    await incoming.send_dtmf("7")
    await until(lambda: (incoming.digits, call.digits) == ("12#", "7"), what="the digits")
    await call.hold()
    await incoming.held()
    await incoming.hears_nothing()
    await call.resume()
    await incoming.resumed()
    await incoming.hears(ANNA)
    await incoming.hold()
    await call.held()
    await call.hears_nothing()
    await call.hangup()
    await incoming.ended()
    assert incoming.bye == "remote"


async def test_a_phone_is_called(line: Line, anna: Phone, exchange: RawPhone) -> None:
    contact = exchange.requests[0]["Contact"].partition("<")[2].partition(">")[0]
    call = await exchange.invite(contact, display_name="Ben")
    incoming = await anna.incoming()
    assert (incoming.caller_name, incoming.caller_number) == ("Ben", "exchange")
    await call.ringing()
    await incoming.answer()
    await call.answered()
    await incoming.hangup()
    await call.ended()


async def test_a_call_that_was_taken_elsewhere(anna: Phone, exchange: RawPhone) -> None:
    contact = exchange.requests[0]["Contact"].partition("<")[2].partition(">")[0]
    call = await exchange.invite(contact)
    incoming = await anna.incoming()
    reason = 'SIP;cause=200;text="Call completed elsewhere"'
    await call.cancel([("Reason", reason)]).final()
    await incoming.ended()
    assert incoming.reason == reason
    assert incoming.status is None


async def test_early_media_then_refused(anna: Phone, exchange: RawPhone) -> None:
    call = await anna.dial("1002")
    incoming = await exchange.expect_invite()
    await incoming.progress()
    incoming.say(BEN)
    await call.early_media()
    await call.hears(BEN)
    incoming.reject(480, headers=[("Reason", "Q.850;cause=19")])
    with pytest.raises(CallEndedError, match="480"):
        await call.answered()
    assert call.status == (480, "Temporarily Unavailable")
    assert call.reason == "Q.850;cause=19"


async def test_a_refused_registration(line: Line, exchange: RawPhone) -> None:
    exchange.answers["REGISTER"] = 403
    with pytest.raises(RegistrationError) as refused:
        await line.register("1001", "secret", server=exchange.link.sent_by)
    assert refused.value.status == 403


async def test_closing_the_line_ends_calls_and_registrations(exchange: RawPhone) -> None:
    async with phones() as line:
        anna = await line.register("1001", "secret", server=exchange.link.sent_by)
        _, incoming = await talk(anna, exchange)
    await incoming.ended()
    assert exchange.requests[-1]["Contact"].endswith(";expires=0")
