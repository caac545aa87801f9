"""Phones of every kind: UDP, TCP, TLS, and a browser's WSS with DTLS-SRTP and ICE."""

import pytest

from tests.support.sip import RawPhone
from tests.support.until import until
from tests.support.webrtc import WebRtcPhone

from .conversation import hear_each_other, talk
from .pbx import Pbx


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_phone_of_each_transport_calls_and_is_called(pbx: Pbx, transport: str) -> None:
    server = pbx.server(transport)
    desk = await pbx.phone(await pbx.extension(), transport=transport, server=server)
    (anna,) = await pbx.phones(1)
    for caller, callee in ((anna, desk), (desk, anna)):
        call, incoming = await talk(caller, callee)
        await hear_each_other(call, incoming)
        await call.hangup()
        await incoming.ended()
    query = "SELECT transport FROM extension_registrations WHERE extension_id = $1"
    rows = await pbx.db.fetch(query, pbx.extensions[0].id)
    assert [row["transport"] for row in rows] == [transport]


async def test_a_browser_calls_and_is_called(pbx: Pbx) -> None:
    extension = await pbx.extension(extension_type="webrtc")
    (anna,) = await pbx.phones(1)
    async with WebRtcPhone(extension.number, extension.password, pbx.server("wss")) as web:
        assert (await web.register()).code == 200
        call = await web.invite(anna.number)
        incoming = await anna.expect_invite()
        await incoming.answer()
        await call.answered()
        await hear_each_other(call, incoming)
        await call.hangup()
        await incoming.ended()

        back = await anna.invite(extension.number)
        ringing = await web.expect_invite()
        await ringing.answer()
        await back.answered()
        back.say(500)
        await ringing.hears(500)
        await back.hangup()
    cdr = await pbx.cdr(extension.number)
    assert cdr["hangup_cause"] == "normal_clearing"


async def test_the_offer_has_the_rows_codecs_in_their_order(pbx: Pbx) -> None:
    everything = ["G722", "PCMA", "PCMU", "opus"]
    anna = await pbx.phone(await pbx.extension(), codecs=everything)
    ben = await pbx.phone(await pbx.extension(), codecs=everything)
    extension = pbx.extensions[1]
    for preferences, offered in (
        (["pcma", "g722"], ["PCMA", "G722"]),
        (["opus", "nonsense", "pcmu"], ["opus", "PCMU"]),
        (["g722", "pcmu", "pcma"], ["G722", "PCMU", "PCMA"]),
    ):
        await pbx.change(extension, codec_preferences=preferences)
        await until(lambda: offers(anna, ben, offered), 5.0, f"an offer of {offered}")  # noqa: B023


async def offers(caller: RawPhone, callee: RawPhone, expected: list[str]) -> bool:
    """Return whether a call offers these codecs; Asterisk knows a row for a second at the most."""
    call = await caller.invite(callee.number)
    incoming = await callee.expect_invite()
    await call.hangup()
    await incoming.ended()
    return incoming.offer is not None and incoming.offer.names == expected
