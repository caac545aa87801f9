"""What phones say that no phone should: refused well, and the next call works."""

from collections.abc import AsyncIterator

import pytest

from tests.support.dialog import OFFER
from tests.support.sdp import describe
from tests.support.sip import RawPhone
from tests.support.sipmessage import parameter
from tests.support.until import until

from .conversation import hear_each_other, talk
from .pbx import Pbx
from .refusals import causes, dial, the_next_call_works

SDP = [("Content-Type", "application/sdp")]
PCMU = describe("127.0.0.1", 4000, {0: "PCMU"})


@pytest.fixture(autouse=True)
async def next_call(pbx: Pbx) -> AsyncIterator[None]:
    yield
    await the_next_call_works(pbx)


async def test_numbers_that_nobody_has(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    numbers = ["abc", "*97", "#1", "*#+", "+", "7" * 200, "1%20", "1%00", "12,34"]
    numbers += ["1%22%3c%3e", "9'9;--", "12(3)", "99;x=1", "99:secret", "tel:1234567"]
    for number in numbers:
        assert (await (await dial(anna, number)).final()).code == 404, number
    assert await causes(pbx, anna.number, len(numbers)) == {"unallocated_number": len(numbers)}
    query = "SELECT callee_number FROM cdr WHERE caller_number = $1"
    dialled = {row["callee_number"] for row in await pbx.db.fetch(query, anna.number)}
    assert {"abc", "*#+", "7" * 50, '1"<>'} <= dialled


@pytest.mark.parametrize(
    "number", ["h", "i", "s", "t", "%20", "%C3%A9", "caf%C3%A9", "sip:127.0.0.1"]
)
async def test_what_is_no_number_at_all(pbx: Pbx, number: str) -> None:
    (anna,) = await pbx.phones(1)
    assert (await (await dial(anna, number)).final()).code == 404


@pytest.mark.parametrize("number", ["1%FF", "1%ED%A0%80", "12" + "%C3%A9" * 100])
async def test_a_number_that_is_no_utf8(pbx: Pbx, number: str) -> None:
    """The last one is not, once Asterisk has cut it to 79 bytes."""
    (anna,) = await pbx.phones(1)
    call = await dial(anna, number)
    assert 400 <= (await call.final(within=2.0)).code < 500


async def test_a_call_id_that_is_no_utf8(pbx: Pbx) -> None:
    """A channel that can't be told in JSON would hide all others from `GET /channels`."""
    anna, ben = await pbx.phones(2)
    call = await dial(anna, ben.number, call_id=f"\udcff{anna.number}")
    assert 400 <= (await call.final(within=2.0)).code < 500
    assert not ben.is_called


@pytest.mark.parametrize("length", [255, 300, 1000])
async def test_a_long_call_id(pbx: Pbx, length: int) -> None:
    anna, ben = await pbx.phones(2)
    call = await dial(anna, ben.number, call_id=anna.number.ljust(length, "x"))
    await (await ben.expect_invite()).answer()
    await call.answered()
    await pbx.in_state(anna.number, "answered")
    await call.hangup()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


async def test_two_calls_with_one_call_id(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    calls = [await dial(anna, ben.number, call_id=f"same {anna.number}") for _ in range(2)]
    for code in (486, 603):
        (await ben.expect_invite()).reject(code)
    assert {(await call.final()).code for call in calls} == {486, 603}
    assert await causes(pbx, anna.number, 2) == {"busy": 1, "rejected": 1}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_header_of_8_kb(pbx: Pbx, transport: str) -> None:
    anna = await pbx.phone(await pbx.extension(), transport=transport)
    (ben,) = await pbx.phones(1)
    for headers in ([("X-Long", "x" * 8000)], [(f"X-Header-{count}", "x") for count in range(400)]):
        call = await dial(anna, ben.number, headers=headers)
        await (await ben.expect_invite()).answer()
        await call.answered()
        await call.hangup()
    assert await causes(pbx, anna.number, 2) == {"normal_clearing": 2}


@pytest.mark.parametrize(
    "name",
    ["x" * 500, "\x01\x07\x1b", r"\"\\", "\u202egnp.\u200f", "%0d%0aX-Evil: 1", "\udcff", ""],
    ids=["long", "control", "quotes", "rtl", "escapes", "bytes", "empty"],
)
async def test_a_name_that_the_phone_makes_up(pbx: Pbx, name: str) -> None:
    """It is the row that names the caller."""
    anna, ben = await pbx.phone(await pbx.extension(display_name="Anna")), *await pbx.phones(1)
    local = f'"{name}" <sip:{anna.number}@{anna.domain}>'
    boss = '"Boss" <sip:110@example.com>'
    claims = [("P-Asserted-Identity", boss), ("Remote-Party-ID", boss), ("Diversion", boss)]
    call = await dial(anna, ben.number, local=local, headers=claims)
    incoming = await ben.expect_invite()
    assert (incoming.caller_name, incoming.caller_number) == ("Anna", anna.number)
    incoming.reject(486)
    assert (await call.final()).code == 486
    assert (await pbx.cdr(anna.number))["caller_name"] == "Anna"


async def test_a_late_offer_is_a_call(pbx: Pbx) -> None:
    anna, ben = await pbx.phones(2)
    call = await dial(anna, ben.number, sdp=None)
    incoming = await ben.expect_invite()
    await incoming.answer()
    await call.answered()
    await hear_each_other(call, incoming)
    await call.hangup()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}


@pytest.mark.parametrize(
    ("code", "sdp", "headers"),
    [
        (488, describe("127.0.0.1", 4000, {18: "G729"}), []),
        (488, describe("127.0.0.1", 0, {0: "PCMU"}), []),
        (488, PCMU.replace("m=audio", "m=video"), []),
        (488, PCMU.replace("RTP/AVP", "RTP/SAVP"), []),
        (400, "hello", SDP),
        (415, "hello", [("Content-Type", "text/plain")]),
        (420, OFFER, [("Require", "nonsense")]),
        (422, OFFER, [("Supported", "timer"), ("Session-Expires", "10")]),
    ],
    ids=["codec", "port", "video", "srtp", "garbage", "text", "require", "timer"],
)
async def test_an_offer_nobody_can_take(
    pbx: Pbx, code: int, sdp: str, headers: list[tuple[str, str]]
) -> None:
    anna, ben = await pbx.phones(2)
    call = await dial(anna, ben.number, sdp=sdp, headers=headers)
    assert (await call.final()).code == code
    assert not ben.is_called


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_what_is_not_sip_is_dropped(pbx: Pbx, transport: str) -> None:
    phone = await pbx.phone(await pbx.extension(), transport=transport)
    start = f"INVITE sip:1@{phone.domain} SIP/2.0\r\nVia: {phone.via()}\r\n"
    for garbage in (
        "\0" * 500,
        "\r\n" * 500,
        "INVITE",
        "INVITE sip:1\u00e9@example.com SIP/2.0\r\n\r\n",
        start + 'From: "no end <sip:1@example.com>\r\nContent-Length: 0\r\n\r\n',
        start + "Content-Length: -1\r\n\r\n",
        start + "Content-Length: 99999999999\r\n\r\n",
        start + f"CSeq: {2**64} INVITE\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    ):
        phone.send_raw(garbage.encode())


async def test_requests_out_of_the_blue(pbx: Pbx) -> None:
    anna, ben, carla = await pbx.phones(3)
    to_carla = ("Refer-To", f"<sip:{carla.number}@{anna.domain}>")
    requests: list[tuple[int, str, list[tuple[str, str]]]] = [
        (501, "REFER", [to_carla]),
        (501, "REFER", [to_carla, ("Refer-Sub", "false")]),
        (404, "SUBSCRIBE", [("Event", "message-summary")]),
        (404, "SUBSCRIBE", [("Event", "presence")]),
        (489, "SUBSCRIBE", [("Event", "nonsense")]),
        (501, "NOTIFY", [("Event", "refer"), ("Subscription-State", "active")]),
        (489, "PUBLISH", [("Event", "presence")]),
        (501, "MESSAGE", [("Content-Type", "text/plain")]),
        (501, "INFO", [("Content-Type", "application/dtmf-relay")]),
        (501, "UPDATE", []),
        (501, "PRACK", [("RAck", "1 1 INVITE")]),
        (501, "NONSENSE", []),
        (481, "BYE", []),
        (481, "CANCEL", []),
    ]
    for code, method, headers in requests:
        contact = ("Contact", anna.contact)
        uri = f"sip:{ben.number}@{anna.domain}"
        answer = await anna.request(method, uri, [contact, *headers], "Signal=1\r\n")
        assert answer.code == code, (method, headers)
    assert await pbx.ari("channels") == []
    assert not ben.is_called
    assert not carla.is_called


@pytest.mark.parametrize("by", ["caller", "callee"])
async def test_requests_in_a_call_that_change_nothing(pbx: Pbx, by: str) -> None:
    anna, ben, carla = await pbx.phones(3)
    call, incoming = await talk(anna, ben)
    side = call if by == "caller" else incoming
    to_carla = ("Refer-To", f"<sip:{carla.number}@{anna.domain}>")
    replaced = ("Refer-To", f"<sip:{carla.number}@{anna.domain}?Replaces=a%3Bto-tag%3Db>")
    for method, headers in (
        ("REFER", [to_carla]),
        ("REFER", [to_carla, ("Refer-Sub", "false")]),
        ("REFER", [replaced]),
        ("REFER", []),
        ("SUBSCRIBE", [("Event", "presence")]),
        ("NOTIFY", [("Event", "refer"), ("Subscription-State", "terminated")]),
        ("MESSAGE", [("Content-Type", "text/plain")]),
        ("PUBLISH", [("Event", "presence")]),
        ("INFO", [("Content-Type", "application/dtmf-relay")]),
        ("INVITE", SDP),
        ("NONSENSE", []),
    ):
        side.send(method, headers, "Signal=\udcff\r\n")
    assert (await side.send("OPTIONS").final()).code == 200
    await hear_each_other(call, incoming)
    assert not carla.is_called
    await call.hangup()
    await incoming.ended()
    assert await causes(pbx, anna.number, 1) == {"normal_clearing": 1}
    events = await pbx.timeline((await pbx.cdr(anna.number))["call_id"])
    assert events == ["arrived", "offered", "answered", "ended"]


async def test_nobody_takes_over_the_call_of_others(pbx: Pbx) -> None:
    """Not even one who has learned their Call-ID and tags: it is a call like any other."""
    anna, ben, carla = await pbx.phones(3)
    call, incoming = await talk(anna, ben)
    tags = [parameter(incoming.invite["From"], "tag"), parameter(incoming.local, "tag")]
    for to_tag, from_tag in (tags, tags[::-1], ("", "")):
        replaces = f"{incoming.call_id};to-tag={to_tag};from-tag={from_tag}"
        theft = await dial(carla, ben.number, headers=[("Replaces", replaces)])
        (await ben.expect_invite()).reject(486)
        assert (await theft.final()).code == 486
    await hear_each_other(call, incoming)
    await incoming.hangup()
    await call.ended()


async def test_strangers_are_refused_alike(pbx: Pbx) -> None:
    (anna,) = await pbx.phones(1)
    seen = set()
    for number, password in ((anna.number, "wrong"), ("99887766", "x"), ("anonymous", "")):
        async with RawPhone(number, password, pbx.server("udp")) as stranger:
            answers = [await stranger.register()]
            for authorized in (True, False):
                call = await stranger.invite(anna.number, authorized=authorized)
                answers.append(await call.final())
            seen.add(tuple((a.start, *(name for name, _ in a.headers)) for a in answers))
    assert len(seen) == 1
    assert {start for start, *_ in seen.pop()} == {"SIP/2.0 401 Unauthorized"}
    assert not anna.is_called


async def test_a_scan_leaves_a_line_for_each_try(pbx: Pbx) -> None:
    extension = await pbx.extension()
    log = pbx.state / "asterisk/log/security"
    tried = []
    async with RawPhone(extension.number, "a guess", pbx.server("udp")) as guesser:
        tried += [guesser.link.sent_by] * 3
        for _ in range(3):
            assert (await guesser.register()).code == 401
    for number in range(5):
        async with RawPhone(f"9988776{number}", "", pbx.server("udp")) as scanner:
            tried.append(scanner.link.sent_by)
            uri = f"sip:{scanner.domain}"
            answer = await scanner.request("REGISTER", uri, to=scanner.number, authorized=False)
            assert answer.code == 401

    def logged() -> list[str]:
        lines = log.read_text().splitlines()
        return [address for line in lines for address in set(tried) if f"'{address}'" in line]

    await until(lambda: len(logged()) >= len(tried), 5.0, "the lines of the scan")
    assert sorted(logged()) == sorted(tried)
