"""Two raw phones call each other directly, without an exchange between them."""

from collections.abc import AsyncIterator

import pytest

from .callee import IncomingCall
from .caller import OutgoingCall
from .sip import RawPhone
from .tones import contains_tone
from .until import TimedOutError
from .words import CallEndedError

ANNA, BEN = 440.0, 1000.0


@pytest.fixture
async def ben() -> AsyncIterator[RawPhone]:
    async with RawPhone("1002", "", "") as phone:
        yield phone


@pytest.fixture
async def anna(ben: RawPhone) -> AsyncIterator[RawPhone]:
    async with RawPhone("1001", "", ben.link.sent_by, display_name="Anna") as phone:
        yield phone


async def talk(anna: RawPhone, ben: RawPhone) -> tuple[OutgoingCall, IncomingCall]:
    call = await anna.invite("1002")
    incoming = await ben.expect_invite()
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


async def test_both_hear_each_other(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    call.say(ANNA)
    incoming.say(BEN)
    await incoming.hears(ANNA)
    await call.hears(BEN)
    assert not contains_tone(incoming.heard, 8000, BEN)
    call.say(0)
    await incoming.hears_nothing()


async def test_the_called_phone_shows_who_calls(anna: RawPhone, ben: RawPhone) -> None:
    await anna.invite("1002")
    incoming = await ben.expect_invite()
    assert (incoming.caller_name, incoming.caller_number) == ("Anna", "1001")


async def test_nothing_is_repeated_when_nothing_is_lost(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    await call.hold()
    await call.hangup()
    await incoming.ended()
    received = [traced.message for traced in ben.messages if traced.way == "<-"]
    sequence = ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
    assert [message.method for message in received] == sequence


async def test_ringing_then_busy(anna: RawPhone, ben: RawPhone) -> None:
    call = await anna.invite("1002")
    incoming = await ben.expect_invite()
    incoming.ring()
    await call.ringing()
    incoming.reject(486, headers=[("Reason", "Q.850;cause=17")])
    assert (await call.final()).code == 486
    assert call.status == (486, "Busy Here")
    assert call.reason == "Q.850;cause=17"
    with pytest.raises(CallEndedError, match="486"):
        await call.answered()


async def test_early_media_is_heard_before_the_answer(anna: RawPhone, ben: RawPhone) -> None:
    call = await anna.invite("1002")
    incoming = await ben.expect_invite()
    await incoming.progress()
    incoming.say(BEN)
    await call.early_media()
    await call.hears(BEN)
    assert not call.is_answered


async def test_cancel_tells_its_reason(anna: RawPhone, ben: RawPhone) -> None:
    call = await anna.invite("1002")
    incoming = await ben.expect_invite()
    reason = 'SIP;cause=200;text="Call completed elsewhere"'
    await call.cancel([("Reason", reason)]).final()
    await incoming.ended()
    assert incoming.is_cancelled
    assert incoming.reason == reason
    assert (await call.final()).code == 487


async def test_either_side_hangs_up(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    await call.hangup()
    await incoming.ended()
    call, incoming = await talk(anna, ben)
    await incoming.hangup()
    await call.ended()
    assert (call.bye, incoming.bye) == ("remote", "local")


async def test_hold_and_resume(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    call.say(ANNA)
    incoming.say(BEN)
    await call.hold()
    await incoming.held()
    await incoming.hears_nothing()
    await call.hears_nothing()
    await call.resume()
    await incoming.resumed()
    await incoming.hears(ANNA)
    await call.hears(BEN)


async def test_the_display_follows_the_other_side(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    carla = ("P-Asserted-Identity", '"Carla" <sip:1003@pbx>')
    assert (await incoming.send("UPDATE", [carla]).final()).code == 200
    assert (call.shown.name, call.shown.user) == ("Carla", "1003")


async def test_a_phone_that_vanished_answers_nothing(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    await ben.vanish()
    with pytest.raises(TimedOutError, match="an answer to BYE"):
        await call.send_bye().final(within=0.1)
    assert incoming.is_over
    assert incoming.bye is None


async def test_digits_arrive(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    await call.send_dtmf("12*9#")
    await incoming.hears_nothing(0.1)
    assert incoming.digits == "12*9#"


async def test_digits_by_info_arrive(anna: RawPhone, ben: RawPhone) -> None:
    call, incoming = await talk(anna, ben)
    relay = ("Content-Type", "application/dtmf-relay")
    answer = await call.send("INFO", [relay], "Signal=5\r\nDuration=100\r\n").final()
    assert answer.code == 200
    assert incoming.digits == "5"


async def test_an_invite_without_description_gets_an_offer(anna: RawPhone, ben: RawPhone) -> None:
    call = await anna.invite("1002", sdp=None)
    incoming = await ben.expect_invite()
    assert incoming.offer is None
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    call.say(ANNA)
    await incoming.hears(ANNA)


async def test_the_second_codec_serves_when_it_is_the_only_common_one(ben: RawPhone) -> None:
    async with RawPhone("1001", "", ben.link.sent_by, codecs=["opus", "PCMA"]) as anna:
        call, incoming = await talk(anna, ben)
        assert incoming.offer is not None
        assert incoming.offer.names == ["opus", "PCMA"]
        call.say(ANNA)
        await incoming.hears(ANNA)
        assert incoming.rtp is not None
        assert incoming.rtp.codec == "PCMA"


async def test_anything_can_be_sent(anna: RawPhone, ben: RawPhone) -> None:
    big = ("X-Big", "a" * 8000)
    await anna.invite("1002", sdp="v=nonsense", headers=[big], display_name="\x01\x7f" + "n" * 500)
    incoming = await ben.expect_invite()
    assert incoming.invite["X-Big"] == "a" * 8000
    assert incoming.caller_name == "\x01\x7f" + "n" * 500
    assert incoming.invite.body == "v=nonsense"


async def test_requests_outside_of_calls_are_answered(anna: RawPhone, ben: RawPhone) -> None:
    assert (await anna.request("OPTIONS", "sip:1002@ben")).code == 200
    ben.answers["OPTIONS"] = 503
    assert (await anna.request("OPTIONS", "sip:1002@ben")).code == 503
    assert (await anna.request("SUBSCRIBE", "sip:1002@ben", [("Event", "x")])).code == 481
    assert [request.method for request in ben.requests] == ["OPTIONS", "OPTIONS", "SUBSCRIBE"]


async def test_a_lost_answer_is_repeated(anna: RawPhone, ben: RawPhone) -> None:
    ben.deaf = True
    call = await anna.invite("1002")
    assert not ben.is_called
    ben.deaf = False
    incoming = await ben.expect_invite()
    anna.acknowledges = False
    await incoming.answer()
    await call.answered()
    anna.acknowledges = True
    await incoming.answered()
    assert len([r for r in call.responses if r.code == 200]) == 1


async def test_closing_a_phone_ends_its_calls(ben: RawPhone) -> None:
    async with RawPhone("1001", "", ben.link.sent_by) as anna:
        _, incoming = await talk(anna, ben)
    await incoming.ended()
    assert incoming.bye == "remote"
