"""Numbers that no phone would dial: they lead nowhere else, and are refused with reason."""

from .outgoing import dial_out, phone, way_out
from .outside import carrier
from .pbx import Pbx
from .refusals import dial, the_next_call_works

REFUSED = range(402, 500)
# {evil} is somebody who waits for a call
NO_NUMBERS = [
    "00431%40evil",
    "00431%40{evil}",
    "0301%0d%0aX-Evil:%201",
    "0301%20%22evil%22%20%3Csip:1%40evil%3E",
    "0301/1%40{evil}",
    "PJSIP/0301",
    "0301%26PJSIP%2F0302",
    "0301,60,r",
    "$%7BEXTEN%7D",
    "0301%7C0302",
    "0" * 200,
    "0" * 41,
    "0301abc",
    "abcdef",
    "0301%C3%BC",
    "%D9%A0%D9%A1",
    "030%FF1",
    "+",
    "++49301",
    "49+301",
]
WITH_FRILLS = [
    ("0301;phone-context=evil", "0301"),
    ("0301;npdi;rn=0302", "0301"),
    ("0301:password", "0301"),
    ("*43%230301", "*43#0301"),
    ("%230301", "#0301"),
    ("%30%33%30%31", "0301"),
    ("0301%00%40evil", "0301"),
]
NO_URIS = ["00431@evil", "sip:00431@evil", "0301 0302"]


async def test_what_is_no_number_goes_nowhere(pbx: Pbx) -> None:
    way = await way_out(pbx, ".")
    evil = await carrier(pbx)
    anna = await phone(pbx)
    for text in NO_NUMBERS:
        user = text.replace("{evil}", evil.link.sent_by)
        call = await dial(anna, f"sip:{user}@{anna.domain}")
        answer = await call.final()
        assert answer.code in REFUSED, (text, answer)
    await pbx.quiet()
    assert not way.invites + list(evil.messages)
    await the_next_call_works(pbx)


async def test_what_is_left_of_a_number_with_frills(pbx: Pbx) -> None:
    way = await way_out(pbx, ".")
    anna = await phone(pbx)
    for user, sent in WITH_FRILLS:
        call, incoming = await dial_out(anna, way, f"sip:{user}@{anna.domain}")
        assert incoming.dialled.replace("%23", "#") == sent
        incoming.reject(486)
        assert (await call.final()).code == 486
    assert len(way.invites) == len(WITH_FRILLS)


async def test_a_uri_that_is_none_is_not_even_answered(pbx: Pbx) -> None:
    way = await way_out(pbx, ".")
    anna = await phone(pbx)
    calls = [await dial(anna, f"sip:{user}@{anna.domain}") for user in NO_URIS]
    await the_next_call_works(pbx)
    assert not [call.responses for call in calls if call.responses]
    assert not way.invites
    await anna.vanish()
